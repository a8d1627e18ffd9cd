package import NIOCore

extension ServerSession {
    /// Postfix's XCLIENT_README: a trusted host says whom it speaks for, and the session begins anew.
    mutating func xclient(_ line: Span<UInt8>, _ arguments: Int, _ output: inout ByteBuffer) -> Action {
        guard configuration.offersXCLIENT else { return reply(.xclientDenied, &output) }
        guard mailState == .none else { return reply(.xclientInTransaction, &output) }
        guard let override = ClientOverride(line, arguments) else { return reply(.xclientSyntax, &output) }
        clientOverride = override
        phase = .override
        return .overrideClient
    }

    /// What the last XCLIENT said; to be asked after `overrideClient`.
    package var pendingOverride: ClientOverride { clientOverride }

    /// The session is the client's now: back to the greeting, with what was said of its name and protocol.
    ///
    /// - Parameter configuration: Of the client as it was made known.
    package mutating func clientOverridden(_ configuration: Configuration, into output: inout ByteBuffer) {
        guard phase == .override else { return }
        let (helo, name) = (clientOverride.helo, clientName)
        var next = ServerSession(configuration: configuration)
        // A connection keeps its TLS and is not forgiven its errors.
        (next.tls, next.errors, next.refusals, next.idleCommands) = (tls, errors, refusals, idleCommands)
        next.untold = untold
        next.mailRefusal = mailRefusal
        switch helo {
        case .kept: next.clientName = isNameOverridden ? name : []
        case .unavailable: next.clientName = []
        case .value(let value): next.clientName = value
        }
        next.isNameOverridden = !next.clientName.isEmpty
        next.isESMTP = clientOverride.isESMTP ?? (next.isNameOverridden && isESMTP)
        self = next
        greet(&output)
    }
}
