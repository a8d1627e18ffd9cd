/// Why an attempt, or a part of one, did not deliver: what the wire or the resolver showed, before any judgement.
package struct Failure: Equatable, Sendable {
    /// How far the attempt had come.
    package enum Stage: String, Sendable, CaseIterable {
        case resolve, connect, greeting, ehlo, starttls, auth, mail, rcpt, data, content
        /// After the final dot or the last BDAT: the next host may hold the message all the same (RFC 1047).
        case acknowledgement
    }

    package enum Cause: Equatable, Sendable {
        case reply(Reply)
        case timeout
        case connectionLost
        case connectionRefused
        case unreachable
        case tlsFailed
        /// The peer broke the protocol: a reply that cannot be read, or one longer than allowed.
        case protocolViolation
        /// The message needs an extension the host does not offer (SMTPUTF8); at `.starttls`: STARTTLS itself; at
        /// `.data`: CHUNKING, which it offers and does not have.
        case missingExtension
        /// The message is larger than the host's SIZE (RFC 1870 §6.1).
        case tooLarge
        case lookup(LookupFailure)
        /// The message could not be written into its mailbox on this machine.
        case storage(StorageFailure)
        /// Our own doing: shutdown, a fenced sender, a missing record.
        case local
    }

    /// What the resolver found instead of a host to connect to.
    package enum LookupFailure: String, Sendable, CaseIterable {
        /// The domain does not exist (NXDOMAIN).
        case noSuchDomain
        /// It exists and has neither MX nor address.
        case noHost
        /// RFC 7505.
        case nullMX
        /// SERVFAIL, time-out, bogus.
        case temporary
    }

    /// What the file system says of a mailbox.
    package enum StorageFailure: String, Sendable, CaseIterable {
        /// No room is left on it.
        case full
        /// The owner has used up what he may have.
        case quota
        /// The place is not there, or not ours to write to.
        case denied
        case failed
    }

    package var stage: Stage
    package var cause: Cause
    /// For people: constant words and figures, no secrets.
    package var text: String

    package init(stage: Stage, cause: Cause, text: String) {
        self.stage = stage
        self.cause = cause
        self.text = text
    }

    package var reply: Reply? {
        if case .reply(let reply) = cause { reply } else { nil }
    }
}
