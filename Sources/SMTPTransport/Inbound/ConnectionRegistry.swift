internal import MailModel
internal import NIOCore
internal import SMTPProtocol
internal import Synchronization

/// How much of an address says who a client is: an IPv6 client commonly has the addresses of a whole /64.
package struct ClientPrefixes: Equatable, Sendable {
    package var ipv4 = 32
    package var ipv6 = 64
    package init(ipv4: Int = 32, ipv6: Int = 64) { (self.ipv4, self.ipv6) = (ipv4, ipv6) }
}

/// The open connections of one listener, counted in all and by client.
package final class ConnectionRegistry: Sendable {
    private struct Entry: Sendable {
        let channel: any Channel
        var isAdmitted: Bool
        var client: IPAddress?
    }

    package struct Limits: Equatable, Sendable {
        package var connections: Int
        package var perClient: Int?
        package var prefixes: ClientPrefixes
        package init(connections: Int, perClient: Int?, prefixes: ClientPrefixes = ClientPrefixes()) {
            (self.connections, self.perClient, self.prefixes) = (connections, perClient, prefixes)
        }
    }

    private struct State: Sendable {
        var limits: Limits
        var entries: [ObjectIdentifier: Entry] = [:]
        var admitted = 0
        var byClient: [IPAddress: Int] = [:]
        var isDraining = false
        /// Fulfilled when the last connection has gone.
        var drained: [EventLoopPromise<Void>] = []

        mutating func release(_ client: IPAddress?) {
            guard let client, let count = byClient[client] else { return }
            byClient[client] = count > 1 ? count - 1 : nil
        }
    }

    private let state: Mutex<State>

    package init(_ limits: Limits) { state = Mutex(State(limits: limits)) }

    /// For connections to come; those above a lower limit stay.
    func set(_ limits: Limits) { state.withLock { $0.limits = limits } }

    package var count: Int { state.withLock { $0.admitted } }

    /// Registers a connection; a refused one is not counted, but told and waited for like the others.
    ///
    /// - Returns: The reply to refuse it with, or `nil`.
    func add(_ channel: any Channel) -> ServerReply? {
        state.withLock { state in
            let refusal: ServerReply? =
                state.isDraining
                ? .shuttingDown : state.admitted >= state.limits.connections ? .tooManyConnections : nil
            state.entries[ObjectIdentifier(channel)] = Entry(channel: channel, isAdmitted: refusal == nil)
            if refusal == nil { state.admitted += 1 }
            return refusal
        }
    }

    /// Counts an admitted connection to a client; again, once another client turns out to be behind it.
    ///
    /// - Parameter address: The whole of it; `nil` is nobody's.
    /// - Returns: The reply to refuse it with, or `nil`. A refused one is no longer counted.
    func identify(_ channel: any Channel, as address: IPAddress?) -> ServerReply? {
        state.withLock { state in
            guard let entry = state.entries[ObjectIdentifier(channel)], entry.isAdmitted else { return nil }
            let client = address.map { Self.network($0, state.limits.prefixes) }
            guard entry.client != client else { return nil }
            state.release(entry.client)
            var count = 0
            if let client { count = state.byClient[client, default: 0] }
            let isRefused = count >= state.limits.perClient ?? .max
            if isRefused { state.admitted -= 1 } else if let client { state.byClient[client] = count + 1 }
            state.entries[ObjectIdentifier(channel)] = Entry(
                channel: channel, isAdmitted: !isRefused, client: isRefused ? nil : client)
            return isRefused ? .tooManyFromClient : nil
        }
    }

    func remove(_ channel: any Channel) {
        let drained: [EventLoopPromise<Void>] = state.withLock { state in
            guard let entry = state.entries.removeValue(forKey: ObjectIdentifier(channel)) else { return [] }
            if entry.isAdmitted { state.admitted -= 1 }
            state.release(entry.client)
            guard state.entries.isEmpty else { return [] }
            defer { state.drained = [] }
            return state.drained
        }
        for promise in drained { promise.succeed() }
    }

    private static func network(_ address: IPAddress, _ prefixes: ClientPrefixes) -> IPAddress {
        address.network(prefix: address.isIPv6 ? prefixes.ipv6 : prefixes.ipv4)
    }

    /// Refuses new connections from now on.
    ///
    /// - Parameter drained: Fulfilled when no connection is left.
    /// - Returns: The connections to be told.
    func drain(_ drained: EventLoopPromise<Void>) -> [any Channel] {
        let channels = state.withLock { state in
            state.isDraining = true
            if !state.entries.isEmpty { state.drained.append(drained) }
            return state.entries.values.map(\.channel)
        }
        if channels.isEmpty { drained.succeed() }
        return channels
    }

    var channels: [any Channel] { state.withLock { $0.entries.values.map(\.channel) } }
}
