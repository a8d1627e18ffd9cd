/// `aliases` of Sendmail and Postfix (aliases(5)): `name: value, value`.
///
/// Names are those of local users, in any case. Commands and files are read and left out, each with a warning: Apus
/// runs no commands and writes to no file that a table names. What an alias has besides them stays in force.
package struct AliasTable: Sendable, Equatable {
    private var map = TableMap()
    /// Contents of `:include:` files, by path.
    package private(set) var includes: [String: [TableTarget]] = [:]

    package init() {}

    package var count: Int { map.count }

    /// - Parameter name: A local part, in any case.
    /// - Returns: `nil` for what is no alias; empty for one that has only commands or files.
    package func targets(of name: String) -> [TableTarget]? {
        guard let value = map[name.lowercased()] else { return nil }
        // What could not be parsed was refused when the table was read.
        return (try? AddressList.parse(value)).map { $0.filter { !$0.isUnsupported } }
    }

    /// - Returns: `nil` where the name is no alias; else as it is written in errors and events.
    package func contains(_ name: String) -> Bool { map.contains(name.lowercased()) }

    /// Reads a whole file.
    ///
    /// - Parameter include: Called for each `:include:` of it, in order; the file is to be read with `readInclude`.
    package static func read(
        _ text: [UInt8], entryLimit: Int, include: (_ path: String, _ line: Int) -> Void = { _, _ in }
    ) -> TableReading<AliasTable> {
        var reading = TableReading(AliasTable())
        reading.table.map.reserve(textCount: text.count)
        var lines = TableLines(text)
        var line: [UInt8] = []
        while let number = lines.next(into: &line) {
            guard let (name, value) = split(line, number, &reading) else { continue }
            guard let targets = check(name, value, number, &reading) else { continue }
            for case .include(let path) in targets { include(path, number) }
            guard reading.table.count < entryLimit else {
                reading.report(TableProblem(line: number, key: name, "is beyond the limit of \(entryLimit) entries"))
                break
            }
            if !reading.table.map.insert(name.lowercased(), value) {
                reading.report(
                    TableProblem(line: number, key: name, "is given twice; the first line counts", isWarning: true))
            }
        }
        reading.table.map.shrink()
        return reading
    }

    /// Reads a file of `:include:`, a list of addresses over several lines, and keeps it under its path.
    package mutating func readInclude(_ text: [UInt8], path: String, entryLimit: Int) -> [TableProblem] {
        var (problems, targets): ([TableProblem], [TableTarget]) = ([], [])
        for (index, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            guard let first = line.first(where: { !TableLines.isBlank($0) }), first != UInt8(ascii: "#") else {
                continue
            }
            let text = String(decoding: line, as: UTF8.self).trimmingBlanks
            do throws(AddressList.Refusal) {
                for target in try AddressList.parse(text) {
                    if target.isUnsupported {
                        problems.append(.unsupported(target, line: index + 1, key: text))
                    } else {
                        targets.append(target)
                    }
                }
            } catch {
                problems.append(TableProblem(line: index + 1, key: "", value: error.value, error.reason))
            }
            guard targets.count <= entryLimit else {
                problems.append(
                    TableProblem(line: index + 1, key: "", "makes the list longer than \(entryLimit) addresses"))
                break
            }
        }
        includes[path] = targets
        return problems
    }

    private static func check(
        _ name: String, _ value: String, _ number: Int, _ reading: inout TableReading<AliasTable>
    ) -> [TableTarget]? {
        do throws(AddressList.Refusal) {
            let targets = try AddressList.parse(value)
            guard !targets.isEmpty else {
                reading.report(TableProblem(line: number, key: name, "has no value; allowed: name: address, address"))
                return nil
            }
            guard targets.count <= 10_000 else {
                let message = "has \(targets.count) values; allowed: up to 10000, and more in a file of :include:"
                reading.report(TableProblem(line: number, key: name, message))
                return nil
            }
            for target in targets where target.isUnsupported {
                reading.report(.unsupported(target, line: number, key: name))
            }
            return targets
        } catch {
            reading.report(TableProblem(line: number, key: name, value: error.value, error.reason))
            return nil
        }
    }

    /// `name: value`; the name may stand in quotes.
    private static func split(
        _ line: [UInt8], _ number: Int, _ reading: inout TableReading<AliasTable>
    ) -> (name: String, value: String)? {
        func refuse(_ message: String) -> (String, String)? {
            reading.report(
                TableProblem(line: number, key: String(decoding: line.prefix(60), as: UTF8.self), message))
            return nil
        }
        guard let first = line.first, !TableLines.isBlank(first) else {
            return refuse("begins with a blank, and there is no line before it to continue")
        }
        guard line.count <= 1_000_000 else { return refuse("is longer than 1000000 octets") }
        var isQuoted = false
        let colon = line.firstIndex { byte in
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            return byte == UInt8(ascii: ":") && !isQuoted
        }
        guard let colon else { return refuse("has no colon; allowed: name: address, address") }
        guard let key = String(validating: line[..<colon], as: UTF8.self),
            let value = String(validating: line[(colon + 1)...], as: UTF8.self), !line.contains(0)
        else { return refuse("is not UTF-8") }
        guard let address = TableAddress(key.trimmingBlanks), address.domain == nil else {
            return refuse("is not the name of a local user; addresses with a domain belong into a virtual table")
        }
        return (address.localPart, value.trimmingBlanks)
    }
}

extension TableTarget {
    /// What Apus reads and does not do.
    var isUnsupported: Bool {
        switch self {
        case .command, .file: true
        case .address, .mailbox, .domain, .include: false
        }
    }
}

extension TableProblem {
    fileprivate static func unsupported(_ target: TableTarget, line: Int, key: String) -> TableProblem {
        let (value, what) =
            switch target {
            case .command(let text): (text, "a command")
            case .file(let path): (path, "a file")
            case .address, .mailbox, .domain, .include: ("", "")
            }
        return TableProblem(
            line: line, key: key, value: value, "is \(what) and is left out: Apus delivers to addresses only",
            isWarning: true)
    }
}
