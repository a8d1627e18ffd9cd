import Foundation
import MailTestKit
import Synchronization

/// A receiving SMTP server whose every answer a test may choose; it remembers what it took.
final class Peer: Sendable {
    struct Transaction: Sendable {
        var hello: String
        /// The arguments of MAIL and RCPT, with their parameters.
        var mail: String
        var recipients: [String]
        /// Without dot-stuffing and final dot.
        var content: [UInt8]
        /// Which connection it came on, from 0.
        var connection: Int

        var text: String { String(decoding: content, as: UTF8.self) }

        /// Value of the first field of this name, unfolded.
        func field(_ name: String) -> String? {
            var value: String?
            for line in String(decoding: content.prefix(16_384), as: UTF8.self).components(separatedBy: "\r\n") {
                if line.hasPrefix(" ") || line.hasPrefix("\t") {
                    value? += line
                } else if value != nil || line.isEmpty {
                    break
                } else if line.lowercased().hasPrefix(name.lowercased() + ":") {
                    value = line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
                }
            }
            return value
        }
    }

    /// Chooses the answer to a command line (`CONNECT` at the start, `.` for content).
    ///
    /// Its second argument counts earlier ones of the same line. `nil` is the usual answer; an empty text cuts the
    /// connection.
    typealias Rule = @Sendable (String, Int) -> String?

    fileprivate struct State {
        var transactions: [Transaction] = []
        var commands: [String] = []
        var counts: [String: Int] = [:]
        var connections = 0
        var open: Set<Int32> = []
        var isClosed = false
    }

    fileprivate final class Shared: Sendable { let state = Mutex(State()) }

    let address: String
    let port: Int
    private let listener: Int32
    private let shared = Shared()
    private let rule: Rule
    private let delay: Duration
    private let extensions: [String]

    static let usualExtensions = [
        "PIPELINING", "SIZE 100000000", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES",
    ]

    /// - Parameters:
    ///   - port: 0 for any.
    ///   - delay: Before the reply to content.
    init(
        at address: String = "127.0.0.1", port: Int = 0, delay: Duration = .zero,
        extensions: [String] = Peer.usualExtensions, rule: @escaping Rule = { _, _ in nil }
    ) throws {
        let listener = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var one: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard listener >= 0, LoopbackAddress.with(address, port, { bind(listener, $0, $1) }) == 0,
            listen(listener, 512) == 0
        else { throw TestKitError("cannot listen on \(address):\(port): errno \(errno)") }
        (self.address, self.listener, self.delay, self.rule) = (address, listener, delay, rule)
        self.extensions = extensions
        self.port = try Self.port(of: listener)
        let session: @Sendable (Int32, Int) -> Void = { [shared, rule, delay, extensions] descriptor, number in
            let session = PeerSession(Socket(descriptor: descriptor, timeout: 120), number, extensions, delay)
            session.run {
                shared.answer($0, rule)
            } took: { transaction in
                shared.state.withLock { $0.transactions.append(transaction) }
            }
            _ = shared.state.withLock { $0.open.remove(descriptor) }
        }
        Thread.detachNewThread { [shared] in shared.acceptAll(on: listener, session) }
    }

    var transactions: [Transaction] { shared.state.withLock(\.transactions) }
    var commands: [String] { shared.state.withLock(\.commands) }
    var connections: Int { shared.state.withLock(\.connections) }

    /// The first transaction that fits, once there is one.
    func transaction(
        timeout: Duration = patience, _ fits: @Sendable (Transaction) -> Bool = { _ in true }
    ) async throws -> Transaction {
        try await wait(for: "a message at the peer", timeout: timeout) { transactions.first(where: fits) }
    }

    func waitFor(_ count: Int, timeout: Duration = patience) async throws {
        do {
            try await wait(until: "\(count) messages at the peer", timeout: timeout) { transactions.count >= count }
        } catch {
            throw TestKitError("\(error); \(transactions.count) came")
        }
    }

    func close() {
        shared.state.withLock { state in
            guard !state.isClosed else { return }
            state.isClosed = true
            shutdown(listener, Int32(SHUT_RDWR))
            for descriptor in state.open { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    deinit { close() }

    private static func port(of descriptor: Int32) throws -> Int {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard status == 0 else { throw TestKitError("getsockname: errno \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

extension Peer.Shared {
    fileprivate func answer(_ command: String, _ rule: Peer.Rule) -> String? {
        let count = state.withLock { state in
            state.commands.append(command)
            let count = state.counts[command, default: 0]
            state.counts[command] = count + 1
            return count
        }
        return rule(command, count)
    }

    /// Until the listener is shut down.
    fileprivate func acceptAll(on listener: Int32, _ session: @escaping @Sendable (Int32, Int) -> Void) {
        while true {
            let descriptor = accept(listener, nil, nil)
            if descriptor < 0, errno == EINTR || errno == ECONNABORTED { continue }
            if descriptor < 0 { break }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            let number = state.withLock { state in
                state.open.insert(descriptor)
                state.connections += 1
                return state.connections - 1
            }
            Thread.detachNewThread { session(descriptor, number) }
        }
        Glibc.close(listener)
    }
}
