internal import DeliveryPolicy

/// Reads the files of tables, and collects what is wrong with them.
struct TableLoader {
    /// Files of `:include:`, all aliases together.
    private static let includeLimit = 1000

    let fileLimit: Int
    let entryLimit: Int
    private(set) var errors: [ConfigurationIssue] = []
    private(set) var warnings: [ConfigurationIssue] = []
    /// Warnings that are not kept one by one.
    private(set) var furtherWarnings = 0

    init(fileLimit: Int, entryLimit: Int) { (self.fileLimit, self.entryLimit) = (fileLimit, entryLimit) }

    mutating func tables<Table>(_ paths: [String], _ read: ([UInt8]) -> TableReading<Table>) -> [Table] {
        paths.compactMap { path in
            guard let text = text(of: path) else { return nil }
            let reading = read(text)
            note(reading.problems, path, further: reading.furtherProblems)
            return reading.table
        }
    }

    mutating func aliases(_ paths: [String]) -> [AliasTable] {
        paths.compactMap { path in
            guard let text = text(of: path) else { return nil }
            var open: [(path: String, file: String, line: Int)] = []
            var reading = AliasTable.read(text, entryLimit: entryLimit) { open.append(($0, path, $1)) }
            note(reading.problems, path, further: reading.furtherProblems)
            include(&open, into: &reading.table)
            return reading.table
        }
    }

    /// Files that aliases name, and those that these name in turn.
    private mutating func include(_ open: inout [(path: String, file: String, line: Int)], into table: inout AliasTable)
    {
        var next = 0
        while next < open.count {
            let (path, file, line) = open[next]
            next += 1
            guard table.includes[path] == nil else { continue }
            func refuse(_ message: String) {
                errors.append(
                    ConfigurationIssue(file: file, line: line, key: "", value: ":include:" + path, message: message))
            }
            guard table.includes.count < Self.includeLimit else {
                return refuse("is beyond the limit of \(Self.includeLimit) included files")
            }
            do throws(ConfigurationError) {
                let text = try TableFile.read(path, limit: min(fileLimit, 64_000_000))
                note(table.readInclude(text, path: path, entryLimit: min(entryLimit, 1_000_000)), path)
            } catch {
                refuse(error.issues.first?.message ?? "cannot be read")
                continue
            }
            for case .include(let further) in table.includes[path] ?? [] { open.append((further, path, 0)) }
        }
    }

    private mutating func text(of path: String) -> [UInt8]? {
        do throws(ConfigurationError) {
            return try TableFile.read(path, limit: fileLimit)
        } catch {
            errors += error.issues
            return nil
        }
    }

    private mutating func note(_ problems: [TableProblem], _ path: String, further: Int = 0) {
        for problem in problems {
            let issue = ConfigurationIssue(
                file: path, line: problem.line, key: problem.key, value: problem.value, message: problem.message)
            if problem.isWarning { warnings.append(issue) } else { errors.append(issue) }
        }
        furtherWarnings += further
    }
}
