import Glibc
import LocalSpool
import MailModel
import NIOCore
import Spool

// Writes to the spool of a directory until it is killed, and prints what the spool has promised: `A partition offset
// number` for a mail record, `C number` for a transaction. Its test compares that with what is there afterwards.

// One write a line, unbuffered: what was printed is out, whatever comes.
@Sendable func say(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = write(1, bytes, bytes.count)
}

let spool = try LocalSpool.open(LocalSpoolConfiguration(directory: CommandLine.arguments[1]))
let first = Int(CommandLine.arguments[2]) ?? 0

@Sendable func content(_ number: Int) -> ByteBuffer {
    ByteBuffer(string: String(repeating: "\(number) ", count: 1 + number % 900))
}

@Sendable func appendMail(_ number: Int) {
    let record = SpoolRecord(.mail, key: "d\(number % 50).test", value: content(number))
    spool.append([record]) { result in
        guard case .success(let positions) = result else { return }
        say("A \(positions[0].partition) \(positions[0].offset) \(number)")
        appendMail(number + 16)
    }
}

for lane in 0..<16 { appendMail(first + lane) }

let member = try await spool.join(group: "killed", topic: .mail)
_ = try await member.next()
let before = try await spool.committed(group: "killed", topic: .mail)[0]?.offset ?? 0

@Sendable func commitNext(_ number: Int64) {
    let event = SpoolRecord(.events, key: "c", partition: 0, value: ByteBuffer(string: "\(number)"))
    let position = CommittedPosition(partition: 0, offset: number, metadata: "\(number)")
    member.commit(SpoolTransaction(records: [event], positions: [position])) { result in
        guard case .success = result else { return }
        say("C \(number)")
        commitNext(number + 1)
    }
}

commitNext(before + 1)
while true { pause() }
