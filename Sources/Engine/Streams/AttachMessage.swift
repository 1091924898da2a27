// SPDX-License-Identifier: Apache-2.0
import Linux

/// What a container's monitor and those attached to it say to each other: one message each of a `SOCK_SEQPACKET` socket, which is
/// `runtime/ID.sock`, or one end of a pair for whoever started the container.
///
///     attached                                    monitor
///       hello(takes input)           ─────────▶     from the connection on it is told what the container writes
///       size(rows, columns)          ─────────▶     the container's terminal has it too
///       input(bytes) …               ─────────▶     the container's standard input
///       endOfInput                   ─────────▶     closes it, where it was opened for one only (docker's StdinOnce)
///                                    ◀─────────   output(bytes), error(bytes) …
///                                    ◀─────────   ended(status, memory limit): it is over and put away
///       hangUp                       ─────────▶     nobody reads its output any more: its terminal is hung up
///       hold (and sockets beside it) ─────────▶     ports that were published just now are held by these
///       release(ports)               ─────────▶     these are published no more, and anybody's again
///       end of file: it has left     ─────────▶     the container runs on
///                                    ◀─────────   end of file: it took nothing for too long, or the monitor was killed
///
/// Both are root's and one program; signals need no message, because whoever may attach may send them himself.
enum AttachMessage: Equatable {
    case hello(takesInput: Bool)
    case size(WindowSize)
    case input(ArraySlice<UInt8>)
    case endOfInput
    case output(ArraySlice<UInt8>)
    case error(ArraySlice<UInt8>)
    /// `memoryLimit` as in `Outcome`; −1 for none.
    case ended(exitCode: Int32, memoryLimit: Int64)
    case hangUp
    case hold
    /// Lines as `-p` takes them.
    case release(ArraySlice<UInt8>)

    /// The most that one carries.
    static let limit = 32768

    /// Nil for what is none.
    init?(_ message: ArraySlice<UInt8>) {
        guard let kind = message.first else { return nil }
        let rest = message.dropFirst()
        switch kind {
        case UInt8(ascii: "h"): self = .hello(takesInput: rest.first == 1)
        case UInt8(ascii: "s"):
            guard rest.count == 4 else { return nil }
            let rows = Self.number(rest.prefix(2)) as UInt16
            self = .size(WindowSize(rows: rows, columns: Self.number(rest.suffix(2))))
        case UInt8(ascii: "i"): self = .input(rest)
        case UInt8(ascii: "z"): self = .endOfInput
        case UInt8(ascii: "o"): self = .output(rest)
        case UInt8(ascii: "e"): self = .error(rest)
        case UInt8(ascii: "x"):
            guard rest.count == 12 else { return nil }
            self = .ended(exitCode: Self.number(rest.prefix(4)), memoryLimit: Self.number(rest.suffix(8)))
        case UInt8(ascii: "u"): self = .hangUp
        case UInt8(ascii: "p"): self = .hold
        case UInt8(ascii: "r"): self = .release(rest)
        default: return nil
        }
    }

    var bytes: [UInt8] {
        switch self {
        case .hello(let takesInput): [UInt8(ascii: "h"), takesInput ? 1 : 0]
        case .size(let size): [UInt8(ascii: "s")] + Self.bytes(size.rows) + Self.bytes(size.columns)
        case .input(let bytes): [UInt8(ascii: "i")] + bytes
        case .endOfInput: [UInt8(ascii: "z")]
        case .output(let bytes): [UInt8(ascii: "o")] + bytes
        case .error(let bytes): [UInt8(ascii: "e")] + bytes
        case .ended(let code, let limit): [UInt8(ascii: "x")] + Self.bytes(code) + Self.bytes(limit)
        case .hangUp: [UInt8(ascii: "u")]
        case .hold: [UInt8(ascii: "p")]
        case .release(let lines): [UInt8(ascii: "r")] + lines
        }
    }

    private static func number<Number: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>) -> Number {
        bytes.reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }

    private static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        stride(from: Number.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> Number($0)) }
    }
}
