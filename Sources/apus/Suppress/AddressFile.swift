import Foundation
import MailModel
import Sender

/// Reads entries from a file or standard input: one address a line, or CSV (RFC 4180, without line ends in fields).
///
/// A first line that names columns says which is which; without one they are address, reason, tenant, expiry. A domain
/// is written `@example.org` or `*.example.org`: an address that lost its local part must not stop a whole provider.
struct AddressFile {
    /// Bytes of a line.
    static let lineLimit = 4096

    /// What stands in for columns that are missing or empty.
    struct Defaults {
        var tenant: String?
        var reason: String?
        var expiry: Timestamp?
    }

    enum Line {
        case entry(Suppression)
        case wrong(String)
    }

    private enum Column { case address, reason, tenant, expiry, other }

    let name: String
    private let descriptor: CInt
    private let defaults: Defaults
    private let now: Timestamp
    private var columns: [Column] = [.address, .reason, .tenant, .expiry]
    private var buffer: [UInt8] = []
    private var start = 0
    private var isAtEnd = false
    private(set) var number = 0

    /// - Parameter path: `nil` or `-` is standard input.
    init(path: String?, defaults: Defaults, now: Timestamp) throws {
        self.defaults = defaults
        self.now = now
        guard let path, path != "-" else {
            (name, descriptor) = ("standard input", STDIN_FILENO)
            return
        }
        (name, descriptor) = (path, open(path, O_RDONLY | O_CLOEXEC))
        guard descriptor >= 0 else { throw ToolFileError(path: path, code: errno) }
    }

    func close() { if descriptor != STDIN_FILENO { _ = Foundation.close(descriptor) } }

    /// The next line that means something; `nil` at the end.
    mutating func next() throws -> Line? {
        while let line = try nextLine() {
            guard line.count <= Self.lineLimit else { return .wrong("is longer than \(Self.lineLimit) bytes") }
            guard let text = String(validating: line, as: UTF8.self) else { return .wrong("is not UTF-8") }
            let trimmed = text.trimmingCharacters(in: .whitespaces)
            if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
            guard let fields = Self.fields(trimmed) else { return .wrong("has a quoted field without its end") }
            if number == 1, let named = Self.header(fields) {
                columns = named
                continue
            }
            do throws(SuppressionRefusal) {
                return .entry(try entry(fields))
            } catch {
                return .wrong("\(error)")
            }
        }
        return nil
    }

    private func entry(_ fields: [String]) throws(SuppressionRefusal) -> Suppression {
        var (address, item) = ("", SuppressionItem())
        item.tenant = defaults.tenant
        item.reason = defaults.reason
        item.expiry = defaults.expiry?.description
        for (column, field) in zip(columns, fields) where !field.isEmpty {
            switch column {
            case .address: address = SuppressText.unbracketed(field)
            case .reason: item.reason = field
            case .tenant: item.tenant = field
            case .expiry: item.expiry = try SuppressText.expiry(field, now: now).description
            case .other: break
            }
        }
        guard address.contains("@") || address.hasPrefix("*.") else {
            throw SuppressionRefusal(
                "\"\(address.prefix(100))\" is no mailbox; write a domain as @example.org or *.example.org")
        }
        guard let target = SuppressionTarget(address) else {
            throw SuppressionRefusal("\"\(address.prefix(100))\" is not a mailbox, as ann@example.org")
        }
        if target.isMailbox { item.recipient = "\(target)" } else { item.domain = "\(target)" }
        item.source = Suppression.Source.import.rawValue
        return try Suppression(item, created: now, actor: SuppressText.actor)
    }

    /// Columns by name, as exports of mail services have them; those nobody knows are passed over.
    private static func header(_ fields: [String]) -> [Column]? {
        let columns = fields.map { field -> Column in
            switch field.lowercased() {
            case "address", "email", "email_address", "e-mail", "mailbox", "recipient", "target": .address
            case "reason": .reason
            case "tenant", "subaccount": .tenant
            case "expiry", "expires": .expiry
            default: .other
            }
        }
        return columns.contains { if case .address = $0 { true } else { false } } ? columns : nil
    }

    /// - Returns: `nil` where a quoted field does not end.
    static func fields(_ line: String) -> [String]? {
        var (fields, field) = ([String](), "")
        var rest = line[...]
        while true {
            rest = rest.drop { $0 == " " }
            if rest.first == "\"" {
                rest.removeFirst()
                while true {
                    guard let character = rest.popFirst() else { return nil }
                    if character != "\"" {
                        field.append(character)
                    } else if rest.first == "\"" {
                        field.append(rest.removeFirst())
                    } else {
                        break
                    }
                }
            }
            // A local part may be quoted too: what follows the quotes belongs to the field.
            let plain = rest.prefix { $0 != "," }
            if !field.isEmpty, plain.hasPrefix("@") { field = "\"\(field)\"" }
            field += plain
            rest = rest.dropFirst(plain.count)
            fields.append(field.trimmingCharacters(in: .whitespaces))
            field = ""
            guard rest.popFirst() != nil else { return fields }
        }
    }

    /// Without its line end and, in the first line, without a byte order mark. A longer one is cut above the limit.
    private mutating func nextLine() throws -> ArraySlice<UInt8>? {
        var line: [UInt8] = []
        while true {
            if let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) {
                line += buffer[start..<end].prefix(Self.lineLimit + 2)
                start = end + 1
                break
            }
            if line.count <= Self.lineLimit { line += buffer[start...].prefix(Self.lineLimit + 2) }
            if isAtEnd {
                start = buffer.count
                if line.isEmpty { return nil }
                break
            }
            try fill()
        }
        number += 1
        if number == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return line[...]
    }

    private mutating func fill() throws {
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        var count = read(descriptor, &chunk, chunk.count)
        while count < 0, errno == EINTR { count = read(descriptor, &chunk, chunk.count) }
        guard count >= 0 else { throw ToolFileError(path: name, code: errno) }
        chunk.removeLast(chunk.count - count)
        (buffer, start, isAtEnd) = (chunk, 0, count == 0)
    }
}
