internal import MailModel

/// What the server session says. Codes from RFC 5321 §4.2.3, RFC 3463 and the RFC of each extension.
extension ServerReply {
    // Positive
    static let ok = ServerReply(250, StatusDetail(0, 0), "Ok")
    static let senderOK = ServerReply(250, StatusDetail(1, 0), "Sender ok")
    static let recipientOK = ServerReply(250, StatusDetail(1, 5), "Recipient ok")
    static let chunkOK = ServerReply(250, StatusDetail(0, 0), "Octets received")
    static let startContent = ServerReply(354, nil, "End data with <CR><LF>.<CR><LF>")
    static let bye = ServerReply(221, StatusDetail(0, 0), "Bye")
    static let readyForTLS = ServerReply(220, StatusDetail(0, 0), "Ready to start TLS")
    static let cannotVerify = ServerReply(252, StatusDetail(0, 0), "Cannot VRFY, send some mail and try")
    static let help = ServerReply(214, StatusDetail(0, 0), "See RFC 5321")

    // The client broke the protocol
    static let unknownCommand = ServerReply(500, StatusDetail(5, 2), "Command not recognized")
    static let lineTooLong = ServerReply(500, StatusDetail(5, 2), "Line too long")
    static let bareLineEnd = ServerReply(500, StatusDetail(5, 2), "Bare CR or LF in command")
    static let badOctets = ServerReply(500, StatusDetail(5, 2), "Control or 8-bit octets in command")
    static let notImplemented = ServerReply(502, StatusDetail(5, 1), "Command not implemented")
    static let noParameters = ServerReply(501, StatusDetail(5, 4), "No parameters allowed")
    static let greetFirst = ServerReply(503, StatusDetail(5, 1), "Send EHLO or HELO first")
    static let nestedMail = ServerReply(503, StatusDetail(5, 1), "Nested MAIL command")
    static let needMail = ServerReply(503, StatusDetail(5, 1), "Send MAIL first")
    static let chunksStarted = ServerReply(503, StatusDetail(5, 1), "Not after BDAT")
    static let chunksFailed = ServerReply(503, StatusDetail(5, 1), "A BDAT before this failed, send RSET")
    static let noRecipients = ServerReply(554, StatusDetail(5, 1), "No valid recipients")
    static let tlsRunning = ServerReply(503, StatusDetail(5, 1), "TLS already active")
    static let tlsRequired = ServerReply(530, StatusDetail(7, 0), "Must issue a STARTTLS command first")
    static let proxyNotExpected = ServerReply(
        554, StatusDetail(5, 1), "No PROXY header is expected from you, goodbye")
    static let xclientDenied = ServerReply(550, StatusDetail(7, 0), "Not authorized to use XCLIENT")
    static let xclientInTransaction = ServerReply(503, StatusDetail(5, 1), "Mail transaction in progress")
    static let xclientSyntax = ServerReply(501, StatusDetail(5, 4), "Syntax: XCLIENT attribute=value...")
    static let notSMTP = ServerReply(554, StatusDetail(5, 1), "This port speaks SMTP, goodbye")
    static let tooManyErrors = ServerReply(421, StatusDetail(7, 0), "Too many errors, closing connection")

    // Arguments
    static let needHostName = ServerReply(501, StatusDetail(5, 4), "Syntax: EHLO hostname")
    static let mailSyntax = ServerReply(501, StatusDetail(5, 4), "Syntax: MAIL FROM:<address> [parameters]")
    static let rcptSyntax = ServerReply(501, StatusDetail(5, 4), "Syntax: RCPT TO:<address> [parameters]")
    static let bdatSyntax = ServerReply(501, StatusDetail(5, 4), "Syntax: BDAT octets [LAST], closing connection")
    static let vrfySyntax = ServerReply(501, StatusDetail(5, 4), "Syntax: VRFY address")
    static let parameterSyntax = ServerReply(501, StatusDetail(5, 4), "Bad parameter")
    static let unknownParameter = ServerReply(555, StatusDetail(5, 4), "Parameter not recognized or not implemented")
    static let badSender = ServerReply(501, StatusDetail(1, 7), "Bad sender address syntax")
    static let badSenderDomain = ServerReply(553, StatusDetail(1, 8), "Bad sender domain")
    static let badRecipient = ServerReply(501, StatusDetail(1, 3), "Bad recipient address syntax")
    static let badRecipientDomain = ServerReply(553, StatusDetail(1, 2), "Bad recipient domain")
    static let pathTooLong = ServerReply(501, StatusDetail(1, 3), "Address too long")
    static let needsSMTPUTF8 = ServerReply(553, StatusDetail(6, 7), "Address needs SMTPUTF8")

    // Limits
    static let tooManyRecipients = ServerReply(452, StatusDetail(5, 3), "Too many recipients")
    static let contentTooLarge = ServerReply(552, StatusDetail(3, 4), "Message size exceeds limit")
    static let headerTooLarge = ServerReply(552, StatusDetail(3, 4), "Header section too large")
    static let mailLoop = ServerReply(554, StatusDetail(4, 6), "Too many hops, mail loop")
    static let bareLineFeed = ServerReply(550, StatusDetail(6, 0), "Bare LF in content, lines must end with CRLF")
    static let bareCarriageReturn = ServerReply(550, StatusDetail(6, 0), "Bare CR in content, lines must end with CRLF")
    static let nulInContent = ServerReply(550, StatusDetail(6, 0), "NUL in content")
}

/// Replies for reasons that lie outside the session.
extension ServerReply {
    package static let outOfMemory = ServerReply(452, StatusDetail(3, 1), "Insufficient system storage, try later")
    package static let systemBusy = ServerReply(451, StatusDetail(3, 2), "Not accepting mail now, try later")
    package static let tooManyConnections = ServerReply(421, StatusDetail(3, 2), "Too many connections, try later")
    package static let tooManyFromClient = ServerReply(
        421, StatusDetail(7, 0), "Too many connections from you, try later")
    package static let connectingTooFast = ServerReply(
        421, StatusDetail(7, 0), "Too many connections from you in a short time, try later")
    package static let tooManyRefusals = ServerReply(
        421, StatusDetail(7, 0), "Too many errors from you in a short time, try later")
    package static let sendingTooFast = ServerReply(
        450, StatusDetail(7, 1), "Too many messages from you in a short time, try later")
    package static let addressingTooFast = ServerReply(
        450, StatusDetail(7, 1), "Too many recipients from you in a short time, try later")
    package static let earlyTalker = ServerReply(554, StatusDetail(5, 1), "You talk before the greeting, goodbye")
    package static let shuttingDown = ServerReply(421, StatusDetail(3, 2), "Shutting down, try later")
    package static let timedOut = ServerReply(421, StatusDetail(4, 2), "Timeout, closing connection")
    package static let localError = ServerReply(451, StatusDetail(3, 0), "Local error in processing, try later")
    package static let cannotVerifyNow = ServerReply(
        450, StatusDetail(1, 1), "Recipient cannot be verified now, try later")
    package static let userUnknown = ServerReply(550, StatusDetail(1, 1), "User unknown")
    package static let relayingDenied = ServerReply(550, StatusDetail(7, 1), "Relaying denied")
}
