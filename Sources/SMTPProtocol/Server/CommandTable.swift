internal import NIOCore

/// One verb of the server: how it is recognized, when it is allowed, what runs it.
struct Command: Sendable {
    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8
        /// Allowed in clear where TLS is required.
        static let beforeTLS = Flags(rawValue: 1)
        /// Allowed before EHLO or HELO.
        static let beforeGreeting = Flags(rawValue: 2)
        /// Brings no mail forward; a flood of these counts as errors.
        static let idle = Flags(rawValue: 4)
        /// Octets above 127 may stand in the arguments.
        static let eightBit = Flags(rawValue: 8)
        /// Takes no arguments.
        static let bare = Flags(rawValue: 16)
    }

    /// - Parameters:
    ///   - line: The command line without its CRLF.
    ///   - arguments: Offset of the first octet after the verb and its blanks.
    typealias Handler =
        @Sendable (_ session: inout ServerSession, _ line: Span<UInt8>, _ arguments: Int, _ output: inout ByteBuffer)
        -> ServerSession.Action

    let key: UInt64
    let flags: Flags
    let handler: Handler

    init(_ verb: StaticString, _ flags: Flags, _ handler: @escaping Handler) {
        var key: UInt64 = 0
        for offset in 0..<verb.utf8CodeUnitCount { key = key << 8 | UInt64(verb.utf8Start[offset]) }
        (self.key, self.flags, self.handler) = (key, flags, handler)
    }
}

enum CommandTable {
    /// The frequent ones first: it is searched from the start.
    static let commands: [Command] = [
        Command("RCPT", [.eightBit]) { $0.rcpt($1, $2, &$3) },
        Command("MAIL", [.eightBit]) { $0.mail($1, $2, &$3) },
        Command("DATA", [.bare]) { session, _, _, output in session.data(&output) },
        Command("BDAT", [.beforeTLS, .beforeGreeting]) { $0.bdat($1, $2, &$3) },
        Command("RSET", [.beforeTLS, .beforeGreeting, .bare, .idle]) { session, _, _, output in session.rset(&output) },
        Command("EHLO", [.beforeTLS, .beforeGreeting, .idle]) { $0.ehlo($1, $2, &$3) },
        Command("QUIT", [.beforeTLS, .beforeGreeting, .bare]) { session, _, _, output in session.quit(&output) },
        Command("NOOP", [.beforeTLS, .beforeGreeting, .idle]) { session, _, _, output in session.reply(.ok, &output) },
        Command("STARTTLS", [.beforeTLS, .bare]) { session, _, _, output in session.startTLS(&output) },
        Command("HELO", [.beforeTLS, .beforeGreeting, .idle]) { $0.helo($1, $2, &$3) },
        Command("VRFY", [.eightBit, .idle]) { $0.vrfy($1, $2, &$3) },
        Command("HELP", [.beforeTLS, .beforeGreeting, .idle]) { session, _, _, output in session.reply(.help, &output)
        },
        Command("EXPN", []) { session, _, _, output in session.reply(.notImplemented, &output) },
        Command("ETRN", []) { session, _, _, output in session.reply(.notImplemented, &output) },
        Command("AUTH", [.beforeTLS]) { session, _, _, output in session.reply(.notImplemented, &output) },
        Command("TURN", []) { session, _, _, output in session.reply(.notImplemented, &output) },
        Command("XCLIENT", [.beforeGreeting, .idle]) { $0.xclient($1, $2, &$3) },
        // A balancer whose header is not expected here: going on, its clients would have its own rights.
        Command("PROXY", [.beforeTLS, .beforeGreeting]) { session, _, _, output in
            session.close(.proxyNotExpected, &output)
        },
        // Browsers and proxies: what they send next are no commands but parts of a request somebody else wrote.
        Command("GET", [.beforeTLS, .beforeGreeting]) { session, _, _, output in session.close(.notSMTP, &output) },
        Command("POST", [.beforeTLS, .beforeGreeting]) { session, _, _, output in session.close(.notSMTP, &output) },
        Command("PUT", [.beforeTLS, .beforeGreeting]) { session, _, _, output in session.close(.notSMTP, &output) },
        Command("HEAD", [.beforeTLS, .beforeGreeting]) { session, _, _, output in session.close(.notSMTP, &output) },
        Command("OPTIONS", [.beforeTLS, .beforeGreeting]) { session, _, _, output in session.close(.notSMTP, &output) },
        Command("CONNECT", [.beforeTLS, .beforeGreeting]) { session, _, _, output in session.close(.notSMTP, &output) },
    ]

    /// The verb that starts `line`: up to eight letters in upper case, packed; 0 where there is none.
    ///
    /// - Returns: The key, and the offset of what follows the verb.
    static func key(of line: Span<UInt8>) -> (key: UInt64, end: Int) {
        var key: UInt64 = 0
        var index = 0
        while index < line.count, !Octet.isBlank(line[index]) {
            guard index < 8, Octet.isLetter(line[index]) else { return (0, index) }
            key = key << 8 | UInt64(Octet.uppercased(line[index]))
            index += 1
        }
        return (key, index)
    }

    static func command(_ key: UInt64) -> Command? {
        for index in commands.indices where commands[index].key == key { return commands[index] }
        return nil
    }

    /// Whether a line that may not be complete begins with MAIL, RCPT or XCLIENT, which may be longer than others.
    static func mayBeLong(_ line: Span<UInt8>) -> Bool {
        guard line.count >= 4 else { return false }
        return line.equals("MAIL", in: 0..<4) || line.equals("RCPT", in: 0..<4) || line.equals("XCLI", in: 0..<4)
    }
}
