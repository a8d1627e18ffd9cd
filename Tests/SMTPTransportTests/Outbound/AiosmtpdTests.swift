import Foundation
import MailModel
import NIOCore
import SMTPProtocol
import SMTPTransport
import Testing

/// A server that is not ours, with TLS by OpenSSL: Python's aiosmtpd. It prints its port, and says in its reply to the
/// final dot what came.
private let script = """
    import asyncio, ssl, sys, zlib
    from aiosmtpd.smtp import SMTP
    class Handler:
        async def handle_DATA(self, server, session, envelope):
            digest = zlib.adler32(envelope.original_content)
            return '250 2.0.0 %d %d %s' % (len(envelope.rcpt_tos), digest, 'tls' if session.ssl else 'clear')
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    async def main():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(Handler(), tls_context=context, require_starttls=True, data_size_limit=1 << 24, loop=loop),
            '127.0.0.1', 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await loop.run_in_executor(None, sys.stdin.read)
    asyncio.run(main())
    """

/// The output of a Python program, as far as one line; the program ends with its input.
private func startPython(_ arguments: [String]) throws -> (process: Process, input: Pipe, line: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3"] + arguments
    let (input, output) = (Pipe(), Pipe())
    (process.standardInput, process.standardOutput, process.standardError) = (input, output, FileHandle.nullDevice)
    try process.run()
    var line = Data()
    while line.last != UInt8(ascii: "\n") {
        let byte = output.fileHandleForReading.readData(ofLength: 1)
        if byte.isEmpty { break }
        line += byte
    }
    return (process, input, String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
}

/// RFC 1950 §8.2.
private func adler32(_ bytes: ByteBuffer) -> UInt32 {
    let (a, b) = bytes.readableBytesView.reduce((UInt32(1), UInt32(0))) { sums, byte in
        let a = (sums.0 + UInt32(byte)) % 65521
        return (a, (sums.1 + a) % 65521)
    }
    return b << 16 | a
}

private let isInstalled = (try? startPython(["-c", "import aiosmtpd; print('yes')"]).line) == "yes"

@Suite(.enabled(if: isInstalled)) struct AiosmtpdTests {
    @Test func mailOverSTARTTLS() async throws {
        let server = try startPython(["-c", script, SelfSigned.certificate, SelfSigned.key])
        defer { server.input.fileHandleForWriting.closeFile() }
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: #require(Int(server.line)))
        var verified = target(address, tls: .required(verify: true))
        verified.tlsContext = try SelfSigned.trustingContext()
        let content = ByteBuffer(string: "Subject: x\r\n\r\n.a\r\n..\r\n" + String(repeating: "b.\r\n", count: 50_000))
        let mails = [mail(["a", "b"], content: content), mail(["c"], content: content)]
        for target in [target(address, tls: .opportunistic), verified] {
            let seen = await Lane.run(mails, to: target)
            let two = "delivered: 250 2.0.0 2 \(adler32(content)) tls"
            #expect(seen.outcomes == [two, two, "delivered: 250 2.0.0 1 \(adler32(content)) tls"])
            #expect(seen.end == "polite")
            #expect(seen.facts?.tls?.version == "TLSv1.3")
        }
        // Without TLS it takes nothing.
        let clear = await Lane.run([mail()], to: target(address))
        #expect(clear.results.first?.perRecipient.first?.failure?.reply?.code == 530)
    }
}
