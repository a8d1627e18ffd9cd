internal import MailModel
internal import NIOSSL

extension TLSFacts {
    /// What a handshake that is over agreed on.
    init(_ handler: NIOSSLHandler?, _ watch: CipherWatch?, policy: TLSPolicy? = nil) {
        self.init(
            version: handler?.tlsVersion?.name ?? "TLS", cipher: watch?.cipher, policy: policy?.name,
            verified: policy?.verifies)
    }
}

extension TLSVersion {
    /// As OpenSSL writes it.
    fileprivate var name: String {
        switch self {
        case .tlsv1: "TLSv1"
        case .tlsv11: "TLSv1.1"
        case .tlsv12: "TLSv1.2"
        case .tlsv13: "TLSv1.3"
        }
    }
}
