internal import NIOCore
internal import SMTPProtocol
internal import Synchronization

/// The open connections of one listener, counted in all and by client address.
package final class ConnectionRegistry: Sendable {
    private struct Entry: Sendable {
        let channel: any Channel
        let isAdmitted: Bool
    }

    private struct State: Sendable {
        var entries: [ObjectIdentifier: Entry] = [:]
        var admitted = 0
        var byAddress: [String: Int] = [:]
        var isDraining = false
        /// Fulfilled when the last connection has gone.
        var drained: [EventLoopPromise<Void>] = []
    }

    private let limit: Int
    private let limitPerClient: Int?
    private let state = Mutex(State())

    package init(limit: Int, limitPerClient: Int?) { (self.limit, self.limitPerClient) = (limit, limitPerClient) }

    package var count: Int { state.withLock { $0.admitted } }

    /// Registers a connection; a refused one is not counted, but told and waited for like the others.
    ///
    /// - Returns: The reply to refuse it with, or `nil`.
    func add(_ channel: any Channel, from address: String) -> ServerReply? {
        state.withLock { state in
            let refusal: ServerReply? =
                if state.isDraining {
                    .shuttingDown
                } else if state.admitted >= limit {
                    .tooManyConnections
                } else if let limitPerClient, state.byAddress[address, default: 0] >= limitPerClient {
                    .tooManyFromClient
                } else {
                    nil
                }
            state.entries[ObjectIdentifier(channel)] = Entry(channel: channel, isAdmitted: refusal == nil)
            if refusal == nil {
                state.admitted += 1
                state.byAddress[address, default: 0] += 1
            }
            return refusal
        }
    }

    func remove(_ channel: any Channel, from address: String) {
        let drained: [EventLoopPromise<Void>] = state.withLock { state in
            guard let entry = state.entries.removeValue(forKey: ObjectIdentifier(channel)) else { return [] }
            if entry.isAdmitted {
                state.admitted -= 1
                let left = state.byAddress[address, default: 1] - 1
                state.byAddress[address] = left > 0 ? left : nil
            }
            guard state.entries.isEmpty else { return [] }
            defer { state.drained = [] }
            return state.drained
        }
        for promise in drained { promise.succeed() }
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
