package import NIOCore

/// How long a client waits in each step, as RFC 5321 §4.5.3.2 asks unless a line says otherwise.
package struct ClientTimeouts: Equatable, Sendable {
    /// Not in the RFC: the kernel's own limit of two minutes would hold up the next host for too long.
    package var connect: TimeAmount = .seconds(30)
    package var greeting: TimeAmount = .minutes(5)
    package var ehlo: TimeAmount = .minutes(5)
    /// From STARTTLS to the end of the TLS handshake. Not in the RFC.
    package var startTLS: TimeAmount = .minutes(2)
    /// MAIL, and RSET before it.
    package var mail: TimeAmount = .minutes(5)
    package var rcpt: TimeAmount = .minutes(5)
    package var data: TimeAmount = .minutes(2)
    /// Until the socket has room again while content is sent.
    package var block: TimeAmount = .minutes(3)
    /// From the final dot to its reply: a client that gives up early makes duplicates (RFC 1047).
    package var acknowledgement: TimeAmount = .minutes(10)
    /// Nothing depends on the reply to QUIT.
    package var quit: TimeAmount = .seconds(5)

    package init() {}
}
