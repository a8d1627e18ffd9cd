import ArgumentParser
import Foundation
import MailModel
import NIOCore

/// What is sent.
struct SendMessageOptions: ParsableArguments {
    /// Octets of a message.
    static let limit = 100_000_000

    @Option(help: ArgumentHelp("Subject (default: \"A test of Apus\").", valueName: "text"))
    var subject: String?

    @Option(
        help: ArgumentHelp(
            "Header field; may be repeated. Takes the place of one that would be composed.", valueName: "name: value"),
        transform: SendField.parse)
    var header: [SendField] = []

    @Option(help: ArgumentHelp("Body.", valueName: "text"))
    var body: String?

    @Option(help: ArgumentHelp("Body from a file; \"-\" is standard input.", valueName: "file"))
    var bodyFile: String?

    @Option(
        help: ArgumentHelp(
            "Whole message, header section and body, from a file; \"-\" is standard input.", valueName: "file"))
    var data: String?

    @Option(
        help: ArgumentHelp("Fill the body up to this size of the message, as 4KB.", valueName: "size"),
        transform: ToolValue.size)
    var size: Int?

    func validate() throws {
        let composing = [("--subject", subject), ("--body", body), ("--body-file", bodyFile)].filter { $0.1 != nil }
        if data != nil, let other = composing.first?.0 ?? (size == nil ? nil : "--size") {
            throw ValidationError("\(other) composes a message, --data is a whole one: give one of them")
        }
        if body != nil, bodyFile != nil { throw ValidationError("--body and --body-file: give one of them") }
        if let size, size > Self.limit { throw ValidationError("--size: at most \(Self.limit / 1_000_000)MB") }
        if let subject, subject.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) || subject.utf8.count > 10_000 {
            throw ValidationError("--subject: one line of up to 10000 octets without control characters")
        }
    }

    /// - Parameter isSeries: More than one message is sent.
    func content(_ envelope: SendEnvelopeOptions, isSeries: Bool) throws -> SendContent {
        if let data {
            return SendContent(
                identified: isSeries, fields: header, rest: SendText.normalized(try Self.read(data, "--data")))
        }
        let text =
            if let bodyFile {
                try Self.read(bodyFile, "--body-file")
            } else {
                ByteBuffer(string: body ?? (size == nil ? "This is a test." : ""))
            }
        let composer = SendComposer(
            from: envelope.from, to: envelope.to, subject: subject ?? "A test of Apus", fields: header,
            body: SendText.normalized(text))
        return try composer.content(size: size)
    }

    /// Reads a file or standard input whole.
    private static func read(_ path: String, _ option: String) throws -> ByteBuffer {
        func failure(_ reason: String) -> ExitCode { Exit.saying("send: \(option) \(path): \(reason)", Exit.no) }
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(String(cString: strerror(errno))) }
        defer { if path != "-" { close(descriptor) } }
        var buffer = ByteBuffer()
        while buffer.readableBytes <= limit {
            let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 1 << 16) {
                max(0, Foundation.read(descriptor, $0.baseAddress, $0.count))
            }
            // 0 is the end or an error, which the next read tells apart.
            guard count == 0 else { continue }
            guard Foundation.read(descriptor, nil, 0) == 0 else { throw failure(String(cString: strerror(errno))) }
            return buffer
        }
        throw failure("more than \(limit / 1_000_000) MB")
    }
}

/// A header field that was given.
struct SendField: Sendable {
    /// `Name: value` without its line end.
    var line: String
    /// In lower case.
    var name: String

    /// A name of printable ASCII (RFC 5322 §2.2) and a value on one line of up to 998 octets.
    static func parse(_ text: String) throws -> SendField {
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex,
            text[..<colon].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), text.utf8.count <= 998,
            !text.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F })
        else { throw ValidationError("write \"Name: value\" on one line, up to 998 octets") }
        return SendField(line: text, name: text[..<colon].lowercased())
    }
}
