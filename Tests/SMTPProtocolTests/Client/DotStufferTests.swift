import NIOCore
import SMTPProtocol
import Testing

@Suite struct DotStufferTests {
    private func stuff(_ content: ByteBuffer) -> (bytes: [UInt8], pieces: Int) {
        var stuffer = DotStuffer(content)
        var bytes: [UInt8] = []
        var pieces = 0
        while let piece = stuffer.next() {
            #expect(!piece.readableBytesView.isEmpty)
            bytes += piece.readableBytesView
            pieces += 1
        }
        #expect(stuffer.isFinished)
        return (bytes, pieces)
    }

    /// RFC 5321 §4.5.2 to the letter.
    private func naive(_ content: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for (index, byte) in content.enumerated() {
            let startsLine = index == 0 || (index >= 2 && content[index - 2] == 0x0D && content[index - 1] == 0x0A)
            if startsLine && byte == 0x2E { result.append(0x2E) }
            result.append(byte)
        }
        if !content.isEmpty && !result.suffix(2).elementsEqual([0x0D, 0x0A]) { result += [0x0D, 0x0A] }
        return result + [0x2E, 0x0D, 0x0A]
    }

    @Test(arguments: [
        ("", ".\r\n"), (".", "..\r\n.\r\n"), ("a", "a\r\n.\r\n"), ("a\r\n", "a\r\n.\r\n"),
        ("a\r\n.\r\n", "a\r\n..\r\n.\r\n"), ("a\n.\nb\r\n", "a\n.\nb\r\n.\r\n"), ("\r\n.", "\r\n..\r\n.\r\n"),
        (".\r\n..\r\n", "..\r\n...\r\n.\r\n"),
    ]) func examples(content: String, wire: String) {
        #expect(String(decoding: stuff(ByteBuffer(string: content)).bytes, as: UTF8.self) == wire)
    }

    @Test func randomContent() {
        var random = SystemRandomNumberGenerator()
        let alphabet: [UInt8] = [0x2E, 0x0D, 0x0A, 0x61]
        for round in 0..<600 {
            let length = Int.random(in: 0...(round < 500 ? 40 : 40_000), using: &random)
            var content: [UInt8] = []
            while content.count < length {
                switch Int.random(in: 0..<4, using: &random) {
                case 0: content += [0x0D, 0x0A, 0x2E]
                case 1 where round >= 500:
                    content += [UInt8](repeating: 0x62, count: Int.random(in: 0...9000, using: &random))
                default: content.append(alphabet.randomElement(using: &random) ?? 0x2E)
                }
            }
            // Bytes in front of the content, which are not a part of it.
            var buffer = ByteBuffer(bytes: [0x0D, 0x0A, 0x2E] + content)
            buffer.moveReaderIndex(forwardBy: 3)
            #expect(stuff(buffer).bytes == naive(content), "\(content.prefix(100))")
            // As a slice, whose indices start anew within shared storage.
            #expect(stuff(buffer.slice()).bytes == naive(content), "\(content.prefix(100))")
        }
    }

    @Test func contentWithoutDotsIsNotCopied() {
        let content = ByteBuffer(string: String(repeating: "line. of text\r\n", count: 300))
        var stuffer = DotStuffer(content)
        let piece = stuffer.next()
        let shared = piece?.withUnsafeReadableBytes { piece in
            content.withUnsafeReadableBytes { $0.baseAddress == piece.baseAddress && $0.count == piece.count }
        }
        #expect(shared == true)
        #expect(stuffer.next() == ByteBuffer(string: ".\r\n"))
        #expect(stuffer.next() == nil)
    }

    @Test func piecesStayFewAndShort() {
        let dense = ByteBuffer(string: String(repeating: ".\r\n", count: 100_000))
        #expect(stuff(dense).pieces < 30)
        var stuffer = DotStuffer(ByteBuffer(repeating: 0x61, count: 1_000_000))
        while let piece = stuffer.next() { #expect(piece.readableBytes <= 256 * 1024) }
    }
}
