package import NIOCore
internal import SMTPProtocol

/// When a connection last came forward. One timer looks at it; commands only note the time.
package struct ProgressClock {
    private var last: NIODeadline
    /// When the last message was accepted, or the connection began.
    private var lastMail: NIODeadline
    private var contentStart: NIODeadline?
    private var received = 0

    package init(now: NIODeadline) { (last, lastMail) = (now, now) }

    package mutating func progressed(_ now: NIODeadline, isReceivingContent: Bool, received: Int) {
        last = now
        self.received = received
        if !isReceivingContent { contentStart = nil } else if contentStart == nil { contentStart = now }
    }

    package mutating func accepted(_ now: NIODeadline) { lastMail = now }

    /// Moment from which on the connection is overdue, as things stand.
    package func deadline(_ configuration: SMTPListener.Configuration) -> NIODeadline {
        let idle = last + configuration.idleTimeout
        let unproductive = lastMail + configuration.unproductiveTimeout
        guard let contentStart else { return min(idle, unproductive) }
        // While content comes at a fair rate, how long the message takes is no matter.
        let rate = Double(max(1, configuration.minimumContentRate))
        let earned = TimeAmount.milliseconds(Int64(Double(received) / rate * 1000))
        return min(idle, contentStart + configuration.idleTimeout + earned)
    }
}

extension ServerHandler {
    /// Time for a client to read the last reply and to close.
    private static let linger = TimeAmount.seconds(5)

    /// Looks again when the connection would be overdue if nothing came until then.
    func armTimer() {
        guard let context, state != .closed else { return }
        timer?.cancel()
        let moment =
            switch state {
            case .closing: NIODeadline.now() + Self.linger
            case .proxyHeader, .silence: waitEnd
            case .starting, .running, .handshaking, .closed: clock.deadline(shared.configuration)
            }
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: moment) { self.timerFired() }
    }

    private func timerFired() {
        guard let context else { return }
        if state == .closing {
            context.close(mode: .all, promise: nil)
            return
        }
        if state == .proxyHeader { return refuseProxyHeader("no PROXY header in time", context) }
        if state == .silence { return greet(context) }
        if isAwaitingAcceptance {
            // The role has its own limit for this wait.
            clock.progressed(.now(), isReceivingContent: false, received: 0)
        } else if clock.deadline(shared.configuration) <= .now() {
            end(.timedOut, context)
            return
        }
        armTimer()
    }
}
