import NIOCore
package import NIOSSL

/// How a connection is to be protected, and what is done when that fails.
package enum TLSPolicy: Hashable, Sendable {
    case none
    /// TLS where it is offered, whatever the certificate (RFC 7435). A failed handshake ends the connection with
    /// `tlsFailed`: the lane connects again in clear and remembers it.
    case opportunistic
    /// TLS or nothing; `verify` asks for a certificate of the MX host's name from a known authority.
    case required(verify: Bool)

    /// As in `TLSFacts.policy`.
    package var name: String? {
        switch self {
        case .none: nil
        case .opportunistic: "opportunistic"
        case .required: "required"
        }
    }

    package var verifies: Bool { self == .required(verify: true) }
}

/// The process's two client contexts. A context costs milliseconds to make, with trust roots a hundred, and is shared
/// by any number of connections on any loop.
package enum ClientTLSContexts {
    /// For `opportunistic` and `required(verify: false)`.
    package static let unverified: Result<NIOSSLContext, any Error> = make(verify: false)
    /// Trusts the system's authorities.
    package static let verified: Result<NIOSSLContext, any Error> = make(verify: true)

    private static func make(verify: Bool) -> Result<NIOSSLContext, any Error> {
        Result {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = verify ? .fullVerification : .none
            // RFC 8996 retires TLS 1.0 and 1.1, but without verification any of them is better than clear text.
            configuration.minimumTLSVersion = verify ? .tlsv12 : .tlsv1
            // A peer that does not answer close_notify must not keep a connection counted as open.
            configuration.shutdownTimeout = .seconds(1)
            return try NIOSSLContext(configuration: configuration)
        }
    }
}
