import HeapModule
import MailModel

/// Messages that wait, by due time. A message that is moved leaves its old place behind as a void ticket.
struct DueQueue {
    private struct Place: Comparable {
        let due: Timestamp
        let ticket: UInt64
        let message: QueuedMessage

        static func < (a: Place, b: Place) -> Bool { (a.due, a.ticket) < (b.due, b.ticket) }
        static func == (a: Place, b: Place) -> Bool { a.ticket == b.ticket }
    }

    private var heap = Heap<Place>()
    private var lastTicket: UInt64 = 0
    /// Messages that wait; void places not counted.
    private(set) var count = 0

    mutating func add(_ message: QueuedMessage, due: Timestamp) {
        lastTicket += 1
        if message.ticket == 0 { count += 1 }
        message.ticket = lastTicket
        heap.insert(Place(due: due, ticket: lastTicket, message: message))
    }

    mutating func remove(_ message: QueuedMessage) {
        guard message.ticket != 0 else { return }
        message.ticket = 0
        count -= 1
        // Void places of long waits would outlive their messages: rebuild when they are the majority.
        if heap.count > 1024, heap.count > 2 * count {
            heap = Heap(heap.unordered.filter { $0.ticket == $0.message.ticket })
        }
    }

    /// Earliest due time.
    mutating func next() -> Timestamp? {
        dropVoid()
        return heap.min?.due
    }

    mutating func popDue(at now: Timestamp) -> QueuedMessage? {
        dropVoid()
        guard let first = heap.min, first.due <= now else { return nil }
        heap.removeMin()
        first.message.ticket = 0
        count -= 1
        return first.message
    }

    private mutating func dropVoid() {
        while let first = heap.min, first.ticket != first.message.ticket { heap.removeMin() }
    }
}
