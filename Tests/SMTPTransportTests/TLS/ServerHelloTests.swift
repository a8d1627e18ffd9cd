import NIOCore
import SMTPTransport
import Testing

@Suite struct ServerHelloTests {
    private func hello(session: Int, suite: UInt16) -> ByteBuffer {
        var bytes = ByteBuffer(bytes: [22, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3] + [UInt8](repeating: 7, count: 32))
        bytes.writeInteger(UInt8(session))
        bytes.writeRepeatingByte(9, count: session)
        bytes.writeInteger(suite)
        bytes.writeRepeatingByte(1, count: 44)
        return bytes
    }

    @Test(arguments: [0, 1, 32]) func everyLength(session: Int) {
        let whole = hello(session: session, suite: 0xC02B)
        let needed = 44 + session + 2
        for length in 0...whole.readableBytes {
            let finding = ServerHello.cipherSuite(in: whole.readableBytesView.prefix(length))
            #expect(finding == (length < needed ? .needsMore : .suite(0xC02B)), "\(length) octets")
        }
    }

    @Test func somethingElse() {
        let alert = ByteBuffer(bytes: [21, 3, 3, 0, 2, 2, 40])
        #expect(ServerHello.cipherSuite(in: alert.readableBytesView) == .none)
        #expect(ServerHello.cipherSuite(in: ByteBuffer(string: "220 go\r\n").readableBytesView) == .none)
        #expect(ServerHello.cipherSuite(in: hello(session: 33, suite: 1).readableBytesView) == .none)
        var later = hello(session: 32, suite: 1)
        later.setInteger(UInt8(11), at: 5)
        #expect(ServerHello.cipherSuite(in: later.readableBytesView) == .none)
    }
}
