import MessageFormat
import NIOCore
import Testing

@Suite struct FieldSearchTests {
    private func found(_ message: String) -> [String] {
        FieldSearch.values(
            of: "X-Apus-Ref",
            in: ByteBuffer(
                string: message.split(
                    separator: "\n", omittingEmptySubsequences: false
                ).joined(separator: "\r\n")))
    }

    @Test func inTheMessageItself() {
        #expect(found("X-Other: a\nx-apus-REF:  one \nSubject: b\n\nX-Apus-Ref: quoted\n") == ["one", "quoted"])
        #expect(found("X-Apus-Ref: begin\n\t.end\n\n") == ["begin.end"], "a fold in it is healed")
        #expect(found("Subject: x\n\nbody X-Apus-Ref: no\n") == [])
        #expect(found("") == [])
    }

    /// RFC 5965, with the header section of the original alone.
    @Test(arguments: ["message/rfc822", "text/rfc822-headers", "message/global-headers"])
    func inAComplaint(type: String) {
        #expect(
            found(
                """
                From: abuse@example.net
                Content-Type: multipart/report; report-type=feedback-report;
                  boundary="part (1)"

                ignored
                --part (1)
                Content-Type: text/plain

                This is an abuse report.
                --part (1)
                Content-Type: message/feedback-report

                Feedback-Type: abuse
                X-Apus-Ref: not here
                --part (1) \t
                Content-Type: \(type)

                Received: from a
                X-Apus-Ref: k1.original
                Subject: b

                --part (1)--
                X-Apus-Ref: epilogue
                """) == ["k1.original"])
    }

    @Test func insideOfEncodings() {
        // "X-Apus-Ref: k1.abc\r\n\r\n"
        let base64 = "WC1BcHVzLVJlZjogazEuYWJjDQoN\nCg==\n"
        #expect(
            found("Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: BASE64\n\n\(base64)") == ["k1.abc"])
        #expect(
            found(
                "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\nX-Apus-Re=\nf: k1=2Eab=\nc\n\n"
            ) == ["k1.abc"])
    }

    @Test func quotedInText() {
        #expect(
            found(
                "Subject: Fwd\n\n> Received: a\n> X-Apus-Ref: k1.q\n--- Below is a copy\nX-Apus-Ref: k1.r\n \t.s\nTo: b\n"
            )
                == ["k1.q", "k1.r.s"])
    }

    /// A forwarded bounce of a forwarded message.
    @Test func nestedAndCutOff() {
        var message = "X-Apus-Ref: innermost\n\nbody\n"
        for depth in 0..<3 {
            message =
                "Content-Type: multipart/mixed; boundary=b\(depth)\n\n--b\(depth)\nContent-Type: message/rfc822\n\n\(message)"
        }
        #expect(found(message) == ["innermost"])
    }

    @Test func digest() {
        #expect(
            found(
                "Content-Type: multipart/digest; boundary=d\n\n--d\n\nX-Apus-Ref: one\n\nx\n--d\n\nX-Apus-Ref: two\n\n--d--\n"
            )
                == ["one", "two"])
    }

    @Test func whatStrangersMakeEndless() {
        let nested = (0..<200).reversed().reduce("X-Apus-Ref: deep\n\n") { inner, depth in
            "Content-Type: multipart/mixed; boundary=b\(depth)\n\n--b\(depth)\n\(inner)"
        }
        #expect(found(nested) == [])
        let wide =
            "Content-Type: multipart/mixed; boundary=b\n\n"
            + (0..<10_000).map { "--b\nX-Apus-Ref: v\($0)\n\n" }.joined()
        #expect(found(wide).count == 32)
        #expect(found("X-Apus-Ref: \(String(repeating: "x", count: 100_000))\n\n").first?.utf8.count ?? 0 <= 4096)
        #expect(found("Content-Type: multipart/mixed; boundary=\n\n--\nX-Apus-Ref: a\n") == [])
        #expect(found("Content-Type: multipart/mixed; boundary=\"\\\n\n--\nX-Apus-Ref: a\n") == [])
    }
}
