import Foundation
import MailModel
import NIOCore
import SMTPProtocol
import Testing

/// An SMTP dialogue written as text, and what must be seen when it is played.
///
/// `C:` a line of the client · `R:` raw octets with `\r \n \t \0 \xHH` · `S:` beginning of a reply line, `250*` for a whole
/// multi-line reply · `A: tls`, `A: close`, `A: client …` actions · `M: key value` facts of a message handed over · `set name [value]`
/// of the configuration · `answer` to the next messages · `each a|b … end` repeats its lines with `$` replaced.
struct Dialogue {
    enum Step: Equatable {
        case client([UInt8])
        case reply(String)
        case action(String)
        case message(String)
        case answer(String)
    }

    var steps: [Step] = []
    var configuration = ServerSession.Configuration(hostname: "mx.test")
    var isBusy = false
    /// MAIL commands before the one that is refused for its client's sake.
    var senderRefusals = 0

    init(_ text: String) throws {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        while let start = lines.firstIndex(where: { $0.hasPrefix("each ") }) {
            let end = try #require(lines[start...].firstIndex(of: "end"))
            let body = lines[start + 1..<end]
            let variants = lines[start].dropFirst(5).split(separator: "|")
            lines.replaceSubrange(
                start...end, with: variants.flatMap { variant in body.map { $0.replacing("$", with: variant) } })
        }
        for line in lines where !line.isEmpty && !line.hasPrefix("#") { try read(line) }
    }

    private mutating func read(_ line: String) throws {
        let rest = String(line.dropFirst(line.dropFirst(2).first == " " ? 3 : 2))
        switch line.prefix(2) {
        case "C:": steps.append(.client(Array(rest.utf8) + [13, 10]))
        case "R:": steps.append(.client(Self.unescape(rest)))
        case "S:": steps.append(.reply(rest))
        case "A:": steps.append(.action(rest))
        case "M:": steps.append(.message(rest))
        case "an": steps.append(.answer(String(line.dropFirst("answer ".count))))
        case "se": try set(line.dropFirst("set ".count).split(separator: " ").map(String.init))
        default: throw BadLine(line: line)
        }
    }

    struct BadLine: Error { var line: String }

    private mutating func set(_ words: [String]) throws {
        let number = words.count > 1 ? Int(words[1]) ?? 0 : 0
        switch words[0] {
        case "sizeLimit": configuration.sizeLimit = number
        case "recipientLimit": configuration.recipientLimit = number
        case "errorLimit": configuration.errorLimit = number
        case "idleCommandLimit": configuration.idleCommandLimit = number
        case "lineLimit": configuration.lineLimit = number
        case "envelopeLineLimit": configuration.envelopeLineLimit = number
        case "headerLimit": configuration.headerLimit = number
        case "receivedLimit": configuration.receivedLimit = number
        case "offersTLS": configuration.offersTLS = true
        case "requiresTLS": configuration.requiresTLS = true
        case "convertBareLF": configuration.bareLineFeed = .convert
        case "acceptsNUL": configuration.acceptsNUL = true
        case "offersXCLIENT": configuration.offersXCLIENT = true
        case "messagesAllowed": (configuration.asksBeforeMail, senderRefusals) = (true, number)
        case "busy": isBusy = true
        default: throw BadLine(line: words[0])
        }
    }

    static func unescape(_ text: String) -> [UInt8] {
        var result: [UInt8] = []
        var bytes = Array(text.utf8)[...]
        while let byte = bytes.popFirst() {
            guard byte == UInt8(ascii: "\\"), let next = bytes.popFirst() else {
                result.append(byte)
                continue
            }
            switch next {
            case UInt8(ascii: "r"): result.append(13)
            case UInt8(ascii: "n"): result.append(10)
            case UInt8(ascii: "t"): result.append(9)
            case UInt8(ascii: "0"): result.append(0)
            case UInt8(ascii: "x"):
                result.append(UInt8(String(decoding: bytes.prefix(2), as: UTF8.self), radix: 16) ?? 0)
                bytes = bytes.dropFirst(2)
            default: result += [byte, next]
            }
        }
        return result
    }
}

extension Dialogue {
    static let names: [String] = {
        let files = Bundle.module.urls(forResourcesWithExtension: "smtp", subdirectory: "Dialogues") ?? []
        return files.compactMap { $0.lastPathComponent?.dropLast(".smtp".count) }.map(String.init).sorted()
    }()

    static func named(_ name: String) throws -> Dialogue {
        let url = try #require(Bundle.module.url(forResource: name, withExtension: "smtp", subdirectory: "Dialogues"))
        return try Dialogue(String(contentsOf: url, encoding: .utf8))
    }

    /// What the client sends between two changes of the connection, in one piece each.
    var segments: [[UInt8]] {
        var segments: [[UInt8]] = [[]]
        for step in steps {
            if case .client(let bytes) = step { segments[segments.count - 1] += bytes }
            if step == .action("tls") { segments.append([]) }
        }
        return segments
    }

    var answers: [Reply] {
        steps.compactMap { step in
            guard case .answer(let text) = step else { return nil }
            let words = text.split(separator: " ", maxSplits: 2).map(String.init)
            let detail = words[1].split(separator: ".").compactMap { UInt16($0) }
            return Reply(UInt16(words[0]) ?? 0, StatusDetail(detail[1], detail[2]), words[2])
        }
    }
}
