package import MailModel

/// A table of `key whitespace value` lines, as `postmap` reads it: virtual, canonical, access, transport.
///
/// Keys are folded to lower case; domains in them become A-labels. Of equal keys the first counts, as in Postfix.
package struct KeyValueTable: Sendable, Equatable {
    package private(set) var map = TableMap()

    package init() {}

    package var count: Int { map.count }

    package subscript(_ key: String) -> String? { map[key] }

    /// - Returns: `false` where the key is there already.
    @discardableResult
    mutating func add(_ key: String, _ value: String) -> Bool { map.insert(key, value) }

    /// Whether a list of recipients has the address, with or without its extension, or all of its domain.
    package func lists(_ mailbox: Mailbox, _ rules: RewriteRules) -> Bool {
        let domain = mailbox.domain.name
        let users = [mailbox.localPart] + (rules.split(mailbox.localPart).map { [$0.user] } ?? [])
        for user in users.map(Self.key) {
            if map.contains("\(user)@\(domain)") { return true }
            if rules.isLocal(mailbox.domain), map.contains(user) { return true }
        }
        return map.contains("@" + domain)
    }

    /// A local part as keys have it: in lower case, in quotes where it needs them.
    static func key(_ localPart: String) -> String {
        let text = Mailbox(localPart: localPart, domain: Domain(canonical: "")).description
        return text.dropLast().lowercased()
    }

    /// Reads a whole file.
    ///
    /// - Parameters:
    ///   - mayLackValue: Lines of a key alone are taken, as in lists of recipients.
    ///   - check: What is wrong with an entry; its key is as it will be looked up.
    package static func read(
        _ text: [UInt8], entryLimit: Int, mayLackValue: Bool = false,
        check: (_ key: String, _ value: String) -> Finding?
    ) -> TableReading<KeyValueTable> {
        var reading = TableReading(KeyValueTable())
        reading.table.map.reserve(textCount: text.count)
        var lines = TableLines(text)
        var line: [UInt8] = []
        while let number = lines.next(into: &line) {
            guard let (key, value) = split(line, number, &reading) else { continue }
            guard !value.isEmpty || mayLackValue else {
                reading.report(TableProblem(line: number, key: key, "has no value; allowed: key, blanks, value"))
                continue
            }
            let normalized = normalize(key)
            switch check(normalized, value) {
            case .error(let message):
                reading.report(TableProblem(line: number, key: key, value: value, message))
                continue
            case .warning(let message):
                reading.report(TableProblem(line: number, key: key, value: value, message, isWarning: true))
                continue
            case .skip: continue
            case nil: break
            }
            guard reading.table.count < entryLimit else {
                reading.report(TableProblem(line: number, key: key, "is beyond the limit of \(entryLimit) entries"))
                break
            }
            if !reading.table.map.insert(normalized, value) {
                reading.report(
                    TableProblem(line: number, key: key, "is given twice; the first line counts", isWarning: true))
            }
        }
        reading.table.map.shrink()
        return reading
    }

    /// What a table says of one entry that it does not take.
    package enum Finding {
        case error(String)
        /// The entry is left out, and told.
        case warning(String)
        case skip
    }

    private static func split(
        _ line: [UInt8], _ number: Int, _ reading: inout TableReading<KeyValueTable>
    ) -> (key: String, value: String)? {
        func refuse(_ message: String) -> (String, String)? {
            reading.report(
                TableProblem(line: number, key: String(decoding: line.prefix(60), as: UTF8.self), message))
            return nil
        }
        guard let first = line.first, !TableLines.isBlank(first) else {
            return refuse("begins with a blank, and there is no line before it to continue")
        }
        let end = endOfKey(line)
        var start = end
        while start < line.count, TableLines.isBlank(line[start]) { start += 1 }
        guard end <= 1000 else { return refuse("has a key of \(end) octets; allowed: up to 1000") }
        guard line.count - start <= 100_000 else {
            return refuse("has a value of \(line.count - start) octets; allowed: up to 100000")
        }
        guard let key = String(validating: line[..<end], as: UTF8.self),
            let value = String(validating: line[start...], as: UTF8.self), !line.contains(0)
        else { return refuse("is not UTF-8") }
        return (key, value)
    }

    /// Blanks within quotes belong to the key: `"first last"@example.org`.
    private static func endOfKey(_ line: [UInt8]) -> Int {
        var isQuoted = false
        var index = 0
        while index < line.count {
            switch line[index] {
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: "\\"): index += 1
            case let byte where !isQuoted && TableLines.isBlank(byte): return index
            default: break
            }
            index += 1
        }
        return line.count
    }

    /// The key as lookups have it.
    package static func normalize(_ key: String) -> String {
        // Made once where nothing has to be folded, as in most tables.
        let isFolded = key.utf8.allSatisfy { $0 < 0x80 && !(0x41...0x5A).contains($0) }
        if isFolded { return key }
        let folded = key.lowercased()
        guard key.utf8.contains(where: { $0 >= 0x80 }) else { return folded }
        let at = folded.utf8.lastIndex(of: UInt8(ascii: "@"))
        let name = at.map { folded[folded.index(after: $0)...] } ?? Substring(folded)
        // Without an @ it is a domain only where it has a dot; else a user.
        guard at != nil || folded.utf8.contains(UInt8(ascii: ".")), let domain = Domain(normalizing: String(name))
        else { return folded }
        return at.map { String(folded[...$0]) + domain.name } ?? domain.name
    }
}
