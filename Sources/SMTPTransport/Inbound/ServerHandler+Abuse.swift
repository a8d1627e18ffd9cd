internal import NIOCore
internal import SMTPProtocol

/// What clients that err a lot get to feel.
extension ServerHandler {
    /// Errors beyond which replies are held back.
    var tarpitThreshold: Int {
        guard let tarpit = shared.configuration.tarpit, !client.isSpared else { return .max }
        return tarpit.after
    }

    /// Keeps the replies back for a while; nothing more is read or run meanwhile. Takes a timer, no thread.
    func holdBack(_ context: ChannelHandlerContext) {
        guard let delay = shared.configuration.tarpit?.delay, tarpit == nil, session.refusals > heldBackFor else {
            return
        }
        heldBackFor = session.refusals
        tarpit = context.eventLoop.assumeIsolated().scheduleTask(in: delay) {
            self.tarpit = nil
            guard let context = self.context, self.state == .running else { return }
            self.clock.progressed(.now(), isReceivingContent: false, received: 0)
            self.flush(context)
            self.resume(context)
        }
    }

    /// Once a batch.
    func tellRefusals() {
        guard session.hasUntoldRefusals else { return }
        let (refusals, more) = session.takeRefusals()
        shared.receiver.refused(refusals, more: more, of: client)
    }

    func countRefusals(_ count: Int, _ context: ChannelHandlerContext) {
        guard let reply = shared.receiver.refused(count, of: client) else { return }
        end(reply, context)
    }
}
