package import MailModel
package import NIOCore

/// The Received field that each node adds (RFC 5321 §4.4).
package struct TraceField: Sendable {
    /// What the client said of itself; anything at all.
    package var ehlo: String?
    /// Without port; `nil` for messages of the node itself.
    package var clientAddress: String?
    /// Name of the node as its greeting has it.
    package var host: String
    package var transmission: Transmission
    package var queueID: QueueID
    /// Only where there is one: others must not learn of each other (RFC 5321 §7.2).
    package var recipient: Mailbox?
    package var tls: TLSFacts?
    package var time: Timestamp

    /// Bytes a content buffer should keep free before its reader index, so that the field needs no copy.
    package static let headroom = 1024

    package init(
        ehlo: String?, clientAddress: String?, host: String, transmission: Transmission, queueID: QueueID,
        recipient: Mailbox? = nil, tls: TLSFacts? = nil, time: Timestamp
    ) {
        self.ehlo = ehlo
        self.clientAddress = clientAddress
        self.host = host
        self.transmission = transmission
        self.queueID = queueID
        self.recipient = recipient
        self.tls = tls
        self.time = time
    }

    /// Puts the field before the content: into the free bytes before its reader index or, where they are too few,
    /// into a copy.
    package func prepend(to content: inout ByteBuffer) {
        var field = text()
        let start = content.readerIndex - field.readableBytes
        if start >= 0 {
            content.setBuffer(field, at: start)
            content.moveReaderIndex(to: start)
        } else {
            field.writeImmutableBuffer(content)
            content = field
        }
    }

    func text() -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(512)
        var writer = FieldWriter(into: buffer)
        writer.begin("Received")
        if ehlo != nil || clientAddress != nil {
            writer.word("from".utf8)
            writer.word(Self.hostName(ehlo ?? "unknown"))
            if let clientAddress { writer.word("([\(Self.addressLiteral(clientAddress))])") }
            writer.fold()
        }
        writer.word("by".utf8)
        writer.word(Self.hostName(host))
        writer.word("with".utf8)
        writer.word(transmission.keyword)
        writer.word("id".utf8)
        writer.word(queueID.description)
        if let tls { writeTLS(tls, to: &writer) }
        if let path = forwardPath {
            writer.fold()
            writer.word("for".utf8)
            writer.word("<\(path)>")
        }
        writer.suffix(";")
        writer.word(time.mailDate)
        writer.end()
        return writer.finish()
    }

    private func writeTLS(_ tls: TLSFacts, to writer: inout FieldWriter) {
        writer.fold()
        let words = [tls.version, tls.cipher].compactMap { $0 }.map { Self.token($0, limit: 64) }
        writer.words("(\(words.joined(separator: " ")))")
    }

    /// Left out where it is not ASCII and the message is not internationalised (RFC 6531 §3.7.3).
    private var forwardPath: String? {
        guard let recipient, !recipient.needsSMTPUTF8 || transmission.isInternationalized else { return nil }
        let text = recipient.description
        return text.utf8.count <= 320 ? text : nil
    }

    /// A domain or address literal as far as it looks like one; other bytes become `?`, which is harmless in an atom.
    private static func hostName(_ text: String) -> [UInt8] {
        let bytes = text.utf8.prefix(255)
        let isLiteral = bytes.first == UInt8(ascii: "[") && bytes.last == UInt8(ascii: "]") && bytes.count > 2
        let inner = token(isLiteral ? String(text.dropFirst().dropLast()) : text, limit: 253)
        if inner.isEmpty { return Array("unknown".utf8) }
        return Array(isLiteral ? "[\(inner)]".utf8 : inner.utf8)
    }

    private static func addressLiteral(_ address: String) -> String {
        token(address.utf8.contains(UInt8(ascii: ":")) ? "IPv6:\(address)" : address, limit: 64)
    }

    private static func token(_ text: String, limit: Int) -> String {
        let bytes = text.utf8.prefix(limit).map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: ":"):
                byte
            default: UInt8(ascii: "?")
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// How a message came: the `with` keyword (RFC 3848, RFC 6531 §4.3).
package struct Transmission: Equatable, Sendable {
    package enum Base: Sendable { case smtp, esmtp, lmtp, http }

    package var base: Base
    package var isEncrypted: Bool
    package var isAuthenticated: Bool
    /// MAIL had SMTPUTF8.
    package var isInternationalized: Bool

    package init(
        _ base: Base, isEncrypted: Bool = false, isAuthenticated: Bool = false, isInternationalized: Bool = false
    ) {
        self.base = base
        self.isEncrypted = isEncrypted
        self.isAuthenticated = isAuthenticated
        self.isInternationalized = isInternationalized
    }

    package var keyword: String {
        let suffix = (isEncrypted ? "S" : "") + (isAuthenticated ? "A" : "")
        switch base {
        case .smtp: return "SMTP"
        case .esmtp: return (isInternationalized ? "UTF8SMTP" : "ESMTP") + suffix
        case .lmtp: return (isInternationalized ? "UTF8LMTP" : "LMTP") + suffix
        case .http: return isEncrypted ? "HTTPS" : "HTTP"
        }
    }
}
