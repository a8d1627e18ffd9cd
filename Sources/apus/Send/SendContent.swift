import ArgumentParser
import Foundation
import MailModel
import NIOCore

/// Content of all messages of a run, which differ in the fields that tell them apart.
struct SendContent: Sendable {
    struct Message {
        var content: ByteBuffer
        /// `nil` where the message was given whole.
        var uniqueID: String?
    }

    /// Date and Message-ID are written for each message.
    private var isComposed = false
    /// Each message has an `X-Unique-ID`.
    private var isIdentified: Bool
    /// In lower case: not to be written.
    private var given: Set<String>
    private var messageIDDomain = ""
    private var rest: ByteBuffer
    /// The header section holds octets beyond ASCII (RFC 6532).
    let isInternationalized: Bool
    let body: BodyType

    /// A message given whole.
    init(identified: Bool, fields: [SendField], rest: ByteBuffer) {
        isIdentified = identified
        given = Set(fields.map(\.name))
        self.rest = ByteBuffer()
        for field in fields { self.rest.writeString(field.line + "\r\n") }
        self.rest.writeImmutableBuffer(rest)
        (isInternationalized, body) = Self.scan(self.rest)
    }

    /// A composed message.
    init(fields: [SendField], messageIDDomain: String, rest: ByteBuffer) {
        (isComposed, isIdentified) = (true, true)
        given = Set(fields.map(\.name))
        self.messageIDDomain = messageIDDomain
        self.rest = rest
        (isInternationalized, body) = Self.scan(rest)
    }

    func message(at date: Date) -> Message {
        guard isComposed || isIdentified else { return Message(content: rest) }
        let uniqueID = UUID().uuidString
        var content = ByteBufferAllocator().buffer(capacity: rest.readableBytes + 256)
        if isComposed, !given.contains("date") { content.writeString("Date: \(SendText.date(date))\r\n") }
        if isComposed, !given.contains("message-id") {
            content.writeString("Message-ID: <\(uniqueID)@\(messageIDDomain)>\r\n")
        }
        let isTold = isIdentified && !given.contains("x-unique-id")
        if isTold { content.writeString("X-Unique-ID: \(uniqueID)\r\n") }
        content.writeImmutableBuffer(rest)
        return Message(content: content, uniqueID: isTold ? uniqueID : nil)
    }

    private static func scan(_ content: ByteBuffer) -> (isInternationalized: Bool, body: BodyType) {
        let bytes = content.readableBytesView
        guard let first = bytes.firstIndex(where: { $0 >= 0x80 }) else { return (false, .sevenBit) }
        // An empty line before it: it is in the body.
        let end = content.readableBytesView[..<first].firstRange(of: Array("\r\n\r\n".utf8))
        return (end == nil, .eightBitMIME)
    }
}

/// Writes a message of plain text.
struct SendComposer {
    var from: ReversePath
    var to: [Mailbox]
    var subject: String
    var fields: [SendField]
    /// With CRLF line ends.
    var body: ByteBuffer

    /// - Parameter size: Octets the message is filled up to.
    func content(size: Int?) throws -> SendContent {
        var rest = ByteBuffer()
        let given = Set(fields.map(\.name))
        func write(_ name: String, _ value: String) {
            if !given.contains(name.lowercased()) { rest.writeString("\(name): \(value)\r\n") }
        }
        write("From", from.mailbox.map { "<\($0)>" } ?? "<postmaster@localhost>")
        write("To", to.map { "<\($0)>" }.joined(separator: ",\r\n "))
        write("Subject", SendText.encoded(subject))
        write("MIME-Version", "1.0")
        write("Content-Type", "text/plain; charset=utf-8")
        let isASCII = body.readableBytesView.allSatisfy { $0 < 0x80 }
        write("Content-Transfer-Encoding", isASCII ? "7bit" : "8bit")
        for field in fields { rest.writeString(field.line + "\r\n") }
        rest.writeStaticString("\r\n")
        rest.writeImmutableBuffer(body)
        let domain = from.mailbox?.domain.name ?? "localhost"
        let content = SendContent(fields: fields, messageIDDomain: domain, rest: rest)
        guard let size else { return content }
        let bare = content.message(at: Date()).content.readableBytes
        guard size >= bare else {
            throw ValidationError("--size: the message has \(bare) octets without filling, so \(bare)B or more")
        }
        SendText.fill(&rest, size - bare)
        return SendContent(fields: fields, messageIDDomain: domain, rest: rest)
    }
}
