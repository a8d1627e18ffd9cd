extension ServerSession {
    /// What one session offers and bears. Sizes in octets, lines with their CRLF.
    package struct Configuration: Sendable {
        package enum BareLineFeed: Sendable {
            /// The content is read to its end, then refused with 550.
            case reject
            /// CRLF is written for it; it never ends the content.
            case convert
        }

        /// Name in the greeting and in the reply to EHLO, and the domain of `<postmaster>` without one.
        package var hostname: String
        /// Follows `220 hostname ESMTP `.
        package var greeting = "Apus"
        /// Largest content (RFC 1870).
        package var sizeLimit = 50_000_000
        /// RFC 5321 §4.5.3.1.8 wants 100 or more.
        package var recipientLimit = 1000
        /// Recipients of a transaction after aliases and the like; one alone may be more.
        package var expandedRecipientLimit = 10_000
        /// Negative replies to commands between two accepted messages; the next one closes the connection.
        package var errorLimit = 20
        /// Commands that bring no mail forward between two accepted messages; each further one counts as an error.
        package var idleCommandLimit = 100
        /// RFC 5321 §4.5.3.1.4.
        package var lineLimit = 512
        /// The same for MAIL and RCPT, whose parameters make them longer (RFC 5321 §4.5.3.1.4, RFC 3461 §4, RFC 6531 §3.4).
        package var envelopeLineLimit = 4096
        /// RFC 5321 §4.5.3.1.1; some senders' tagged reverse-paths are longer.
        package var localPartLimit = 64
        package var offersTLS = false
        /// The client is trusted to speak for others.
        package var offersXCLIENT = false
        /// MAIL is put to the adapter before it is answered; what it is asked about is `withPendingSender`.
        package var asksBeforeMail = false
        /// Refuses all but greeting and STARTTLS in clear (RFC 3207 §4).
        package var requiresTLS = false
        /// Kept free before the content for trace fields.
        package var contentHeadroom = 1024
        package var bareLineFeed = BareLineFeed.reject
        /// RFC 2045 allows NUL in no encoding that this server offers.
        package var acceptsNUL = false
        package var headerLimit = 1_000_000
        package var receivedLimit = 100
        /// Refusals of one session that `takeRefusals` tells one by one.
        package var toldRefusals = 0

        package init(hostname: String) { self.hostname = hostname }

        var contentLimits: ContentReceiver.Limits {
            ContentReceiver.Limits(
                size: sizeLimit, headroom: contentHeadroom,
                header: HeaderSectionCheck(sizeLimit: headerLimit, receivedLimit: receivedLimit),
                convertsBareLF: bareLineFeed == .convert, acceptsNUL: acceptsNUL)
        }
    }
}
