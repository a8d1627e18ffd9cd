import HeapModule

/// The lowest keys of many, in memory for those alone.
struct FirstKeys {
    let limit: Int
    private var heap = Heap<QueuedMessage.Key>()

    init(limit: Int) { self.limit = limit }

    mutating func offer(_ key: QueuedMessage.Key) {
        if heap.count < limit {
            heap.insert(key)
        } else if let last = heap.max, key < last {
            heap.replaceMax(with: key)
        }
    }

    var sorted: [QueuedMessage.Key] { heap.unordered.sorted() }
}
