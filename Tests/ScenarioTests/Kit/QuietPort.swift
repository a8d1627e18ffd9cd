import Foundation
import MailTestKit

/// Ports for what listens again after a restart: below those the system gives to outgoing connections (32,768 on), so
/// that none of these has taken it meanwhile.
enum QuietPort {
    static func free() throws -> Int {
        for _ in 0..<100 {
            let port = Int.random(in: 15_000..<32_000)
            if !LoopbackPort.isListening(port) { return port }
        }
        throw TestKitError("no free port from 15000 to 32000")
    }
}
