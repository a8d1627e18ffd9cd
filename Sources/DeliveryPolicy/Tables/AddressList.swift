package import MailModel

/// An address as tables have it: the domain may be missing.
package struct TableAddress: Hashable, Sendable, CustomStringConvertible {
    /// Without its quotes.
    package var localPart: String
    package var domain: Domain?

    package init(localPart: String, domain: Domain?) { (self.localPart, self.domain) = (localPart, domain) }

    private static let specials = Array("@<>()[],;:\"".utf8)

    package func mailbox(in origin: Domain) -> Mailbox { Mailbox(localPart: localPart, domain: domain ?? origin) }

    package var description: String {
        if let domain { return Mailbox(localPart: localPart, domain: domain).description }
        return localPart
    }

    /// Reads `user@domain`, or `user` alone; the local part quoted or not.
    init?(_ text: String) {
        // RFC 5322 has these in quotes only; the last @ of an address is another matter.
        let local = text.utf8.lastIndex(of: UInt8(ascii: "@")).map { text[..<$0] } ?? text[...]
        guard local.hasPrefix("\"") || !local.utf8.contains(where: { Self.specials.contains($0) }) else { return nil }
        if let mailbox = Mailbox(text) {
            self.init(localPart: mailbox.localPart, domain: mailbox.domain)
        } else {
            // A domain of its own lends the rules of local parts.
            guard let local = Mailbox(text + "@x")?.localPart, !local.contains("@") else { return nil }
            self.init(localPart: local, domain: nil)
        }
    }
}

/// One value of an alias or of another table of addresses.
package enum TableTarget: Hashable, Sendable {
    case address(TableAddress)
    /// `\name`: the mailbox itself, not what it is an alias for.
    case mailbox(TableAddress)
    /// `@domain`: the same local part there.
    case domain(Domain)
    /// `:include:/file`: the addresses of that file.
    case include(String)
    /// `|command`
    case command(String)
    /// `/file`
    case file(String)
}

/// Reads lists of addresses: `a@b, "c d"@e, Name <f@g>, (comment) h`. Commas part them; so do blanks, where no angle
/// bracket says otherwise, as in Postfix.
package enum AddressList {
    package struct Refusal: Error, Equatable {
        package let value: String
        package let reason: String
    }

    package static func parse(_ text: String) throws(Refusal) -> [TableTarget] {
        var targets: [TableTarget] = []
        for words in try elements(text) {
            if let angle = words.first(where: { $0.hasPrefix("<") && $0.hasSuffix(">") }) {
                targets.append(try target(String(angle.dropFirst().dropLast())))
            } else {
                let first = words[0]
                // A command or `:include: /file` goes on to the comma, as nobody quotes all of them.
                if isCommand(first) || first == ":include:" {
                    targets.append(try target(words.joined(separator: first == ":include:" ? "" : " ")))
                } else {
                    for word in joined(words) { targets.append(try target(word)) }
                }
            }
        }
        return targets
    }

    /// Whether it is one address without quotes, as nearly all of a large table are: then it needs no parsing to be good.
    static func isPlainAddress(_ text: String) -> Bool {
        var (local, label, isDomain) = (0, 0, false)
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A:
                if isDomain { label += 1 } else { local += 1 }
            case UInt8(ascii: "."):
                guard isDomain ? label > 0 : local > 0 else { return false }
                if isDomain { label = 0 } else { local += 1 }
            case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "+"):
                guard !isDomain, local > 0 else { return false }
                local += 1
            case UInt8(ascii: "@"):
                guard !isDomain, local > 0 else { return false }
                isDomain = true
            default: return false
            }
            guard label <= 63 else { return false }
        }
        return isDomain && label > 0 && local <= 64 && text.utf8.count <= 250
    }

    /// Blanks may stand around an `@` (RFC 5322 §3.4.1 and appendix A.6.1).
    private static func joined(_ words: [String]) -> [String] {
        words.reduce(into: []) { result, word in
            if let last = result.last, last.hasSuffix("@") || word.hasPrefix("@") {
                result[result.count - 1] = last + word
            } else {
                result.append(word)
            }
        }
    }

    private static func isCommand(_ word: String) -> Bool { word.hasPrefix("|") || word.hasPrefix("\"|") }

    private static func target(_ word: String) throws(Refusal) -> TableTarget {
        // Quotes around a whole value, as around commands with blanks, are not part of it.
        let bare = word.hasPrefix("\"") && word.hasSuffix("\"") && word.utf8.count >= 2 ? unquoted(word) : word
        if bare.hasPrefix("|") { return .command(bare) }
        if bare.lowercased().hasPrefix(":include:") {
            let path = bare.dropFirst(9).trimmingBlanks
            guard path.hasPrefix("/") else {
                throw Refusal(value: word, reason: "includes a file by no absolute path; allowed: :include:/file")
            }
            return .include(path)
        }
        if bare.hasPrefix(":") {
            throw Refusal(value: word, reason: "is a directive that Apus does not know; allowed: :include:/file")
        }
        if bare.hasPrefix("/") { return .file(bare) }
        if bare.hasPrefix("~") { throw Refusal(value: word, reason: "is no address") }
        if word.hasPrefix("@") {
            guard let domain = Domain(normalizing: String(word.dropFirst())) else {
                throw Refusal(value: word, reason: "has no domain behind its @")
            }
            return .domain(domain)
        }
        let isLiteral = word.hasPrefix("\\")
        guard let address = TableAddress(isLiteral ? String(word.dropFirst()) : word) else {
            throw Refusal(value: word, reason: "is no address; allowed: user@domain or user")
        }
        return isLiteral ? .mailbox(address) : .address(address)
    }

    private static func unquoted(_ word: String) -> String {
        var result = ""
        var isEscaped = false
        for character in word.dropFirst().dropLast() {
            if !isEscaped, character == "\\" { isEscaped = true; continue }
            result.append(character)
            isEscaped = false
        }
        return result
    }

    /// Words of each element, comments left out.
    private static func elements(_ text: String) throws(Refusal) -> [[String]] {
        var elements: [[String]] = []
        var words: [String] = []
        var word: [UInt8] = []
        var (isQuoted, isEscaped, isAngled, depth) = (false, false, false, 0)
        func endWord() {
            if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self)) }
            word.removeAll(keepingCapacity: true)
        }
        func endElement() {
            endWord()
            if !words.isEmpty { elements.append(words) }
            words = []
        }
        for byte in text.utf8 {
            if isEscaped || isQuoted {
                if depth == 0 { word.append(byte) }
                if !isEscaped, byte == UInt8(ascii: "\"") { isQuoted = false }
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                continue
            }
            switch byte {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")") where depth > 0: depth -= 1
            case UInt8(ascii: "\\") where depth > 0: isEscaped = true
            case _ where depth > 0: break
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                (isQuoted, isEscaped) = (byte == UInt8(ascii: "\""), byte != UInt8(ascii: "\""))
                word.append(byte)
            case UInt8(ascii: "<"):
                endWord()
                (isAngled, word) = (true, [byte])
            case UInt8(ascii: ">") where isAngled:
                word.append(byte)
                isAngled = false
                endWord()
            case UInt8(ascii: ",") where !isAngled: endElement()
            case _ where TableLines.isBlank(byte): if !isAngled { endWord() }
            default: word.append(byte)
            }
        }
        guard !isQuoted else { throw Refusal(value: text, reason: "has a quote without its end") }
        guard depth == 0 else { throw Refusal(value: text, reason: "has a comment without its end") }
        guard !isAngled else { throw Refusal(value: text, reason: "has a < without its >") }
        endElement()
        return elements
    }
}

extension StringProtocol {
    var trimmingBlanks: String {
        var bytes = Array(utf8)
        while let last = bytes.last, TableLines.isBlank(last) { bytes.removeLast() }
        return String(decoding: bytes.drop(while: TableLines.isBlank), as: UTF8.self)
    }
}
