import DeliveryPolicy
import Logging
import MailModel
import NIOCore
import Spool

extension Dispatcher {
    /// Reads the contents of messages that have room in a lane, sorted by position, all of a turn together.
    func loadContents() {
        guard !toLoad.isEmpty else { return }
        let messages = toLoad.sorted { $0.position < $1.position }
        toLoad = []
        let bound = NIOLoopBound(messages, eventLoop: loop)
        let positions = messages.map(\.position)
        Task { [spool, loop] in
            let result: Result<[StoredRecord?], SpoolError>
            do throws(SpoolError) {
                result = .success(try await spool.read(positions, of: .mail))
            } catch {
                result = .failure(error)
            }
            loop.execute { self.loaded(bound.value, result) }
        }
    }

    private func loaded(_ messages: [QueuedMessage], _ result: Result<[StoredRecord?], SpoolError>) {
        var freed: Set<LaneKey> = []
        for (index, message) in messages.enumerated() {
            guard case .loading(let target) = message.state, owns(message) else { continue }
            defer { if message.reservation == nil { freed.insert(target.key) } }
            if !message.commands.isEmpty {
                carryOut(message.commands, on: message)
                continue
            }
            switch result {
            case .success(let records): attach(records[index], to: message, target)
            case .failure(let error):
                logger.error("content cannot be read now", metadata: ["error": "\(error)"])
                release(message)
                park(message, because: "its content cannot be read: \(error.message)", due: .now() + .seconds(10))
            }
        }
        for lane in freed { callParked(lane) }
        planTurn()
    }

    /// The record must be the message's: anything else ends its recipients, loudly (DESIGN §3).
    private func attach(_ record: StoredRecord?, to message: QueuedMessage, _ target: LaneTarget) {
        var problem = "the record is gone"
        if let record {
            do {
                let mail = try MessageRecord(record)
                if mail.queueID == message.entry.queueID, mail.part == message.entry.part {
                    message.content = mail.content
                    message.body = mail.envelope.body
                    return submit(message, to: target)
                }
                problem = "the record holds another message, \(mail.queueID)"
            } catch {
                problem = "the record cannot be read: \(error.message)"
            }
        }
        logger.critical(
            "the content of a queued message is lost",
            metadata: [
                "queue_id": "\(message.entry.queueID)", "partition": "\(message.partition)",
                "offset": "\(message.entry.offset)", "error": "\(problem)",
            ])
        release(message)
        metrics.setAside(.mail)
        fail(message, Reply(554, StatusDetail(3, 0), "content lost: \(problem)"), actor: nil, reason: problem)
    }

    func owns(_ message: QueuedMessage) -> Bool {
        partitions[message.partition]?.epoch == message.epoch && messages[message.key] === message
    }
}
