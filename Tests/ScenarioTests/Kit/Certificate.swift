import Foundation
import MailTestKit

/// A self-signed certificate of the test's own.
struct Certificate {
    let directory: ScratchDirectory
    var certificate: String { directory.file("cert.pem") }
    var key: String { directory.file("key.pem") }

    init(for name: String) async throws {
        directory = try ScratchDirectory()
        let made = try await ChildProcess.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout", directory.file("key.pem"),
                "-out", directory.file("cert.pem"),
            ])
        guard made.exit == .code(0) else { throw TestKitError("openssl: \(made.errors.joined(separator: "\n"))") }
    }
}
