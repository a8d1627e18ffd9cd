import DeliveryPolicy
import Testing

/// Lines, keys and values as they stand in a file.
@Suite struct TableTextTests {
    private static func lines(_ text: String) -> [String] {
        var lines = TableLines(Array(text.utf8))
        var line: [UInt8] = []
        var result: [String] = []
        while let number = lines.next(into: &line) {
            result.append("\(number):" + String(decoding: line, as: UTF8.self))
        }
        return result
    }

    @Test func continuationsAndComments() {
        #expect(Self.lines("a b\n  c\n# x\n\n\td  \nnext\r\n") == ["1:a b  c\td", "6:next"])
        #expect(Self.lines("\n#\n  # x\na") == ["4:a"])
        #expect(Self.lines("  a\nb") == ["1:  a", "2:b"])
        #expect(Self.lines("\u{FEFF}a b") == ["1:a b"])
        #expect(Self.lines("") == [])
    }

    private static func read(_ text: String, limit: Int = 100) -> TableReading<KeyValueTable> {
        KeyValueTable.read(Array(text.utf8), entryLimit: limit) { _, value in
            value == "bad" ? .error("is bad") : nil
        }
    }

    @Test func keysAndValues() {
        let reading = Self.read("A@B.test  x y \n\"first last\"@b.test z\nuser@bücher.test q\na@b.test again\n")
        #expect(reading.table["a@b.test"] == "x y")
        #expect(reading.table["\"first last\"@b.test"] == "z")
        #expect(reading.table["user@xn--bcher-kva.test"] == "q")
        #expect(reading.table["A@B.test"] == nil)
        #expect(reading.table.count == 3)
        #expect(reading.problems.map(\.line) == [4] && reading.errors.isEmpty)
    }

    @Test(arguments: [
        ("a\n", 1, "has no value"), ("x y\nb bad", 2, "is bad"), (" x y", 1, "begins with a blank"),
        ("a b\nc d\ne f", 3, "beyond the limit of 2"),
    ])
    func problems(text: String, line: Int, message: String) {
        let reading = Self.read(text, limit: 2)
        #expect(reading.errors.map(\.line) == [line])
        #expect(reading.errors.first?.message.contains(message) == true)
    }

    @Test func whatIsNotUTF8IsRefused() {
        let reading = KeyValueTable.read([0x61, 0x20, 0xFF], entryLimit: 9) { _, _ in nil }
        #expect(reading.errors.map(\.message) == ["is not UTF-8"])
    }

    @Test func anErrorDoesNotHideBehindWarnings() {
        let reading = Self.read(String(repeating: "a b\n", count: 500) + "c bad\n")
        #expect(reading.errors.map(\.line) == [501])
        #expect(reading.problems.count == 100 && reading.furtherProblems == 400)
    }

    @Test func manyEntriesAreFound() {
        var map = TableMap()
        for number in 0..<20_000 {
            let (key, value) = ("user\(number)@example.org", "\(number)")
            let isNew = map.insert(key, value)
            #expect(isNew)
        }
        let isNew = map.insert("user7@example.org", "")
        #expect(!isNew)
        map.shrink()
        for number in 0..<20_000 where map["user\(number)@example.org"] != "\(number)" {
            Issue.record("\(number) is lost")
        }
        #expect(map["user20000@example.org"] == nil && map.count == 20_000)
    }
}
