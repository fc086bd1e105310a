import CPinion
import Glibc
import Pinion

/// A zero-terminated copy of a string, at one address as long as the object lives.
final class CText: @unchecked Sendable {
  let pointer: UnsafePointer<CChar>

  init(_ text: String) {
    guard !text.isEmpty else {
      pointer = CText.empty
      return
    }
    let copy = text.withCString { strdup($0) }
    pointer = copy.map { UnsafePointer($0) } ?? CText.empty
  }

  deinit { if pointer != CText.empty { free(UnsafeMutablePointer(mutating: pointer)) } }

  /// An empty text, of which there may be very many.
  static let none = CText("")

  /// What stands for an empty string, and for one when there is no memory for a copy.
  nonisolated(unsafe) static let empty: UnsafePointer<CChar> = {
    let zero = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
    zero.initialize(to: 0)
    return UnsafePointer(zero)
  }()
}

/// An opaque pointer of the C interface that holds one reference to `object`.
func handle<T: AnyObject>(_ object: T) -> OpaquePointer { OpaquePointer(Unmanaged.passRetained(object).toOpaque()) }

/// A pointer that the C interface lends: the object's owner keeps it alive.
func borrowed<T: AnyObject>(_ object: T?) -> OpaquePointer? { object.map { OpaquePointer(Unmanaged.passUnretained($0).toOpaque()) } }

/// The object behind an opaque pointer.
@inline(__always)
func object<T: AnyObject>(_ pointer: OpaquePointer, _ type: T.Type = T.self) -> T {
  Unmanaged<T>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
}

func retain<T: AnyObject>(_ pointer: OpaquePointer?, _ type: T.Type) -> OpaquePointer? {
  if let pointer { _ = Unmanaged<T>.fromOpaque(UnsafeRawPointer(pointer)).retain() }
  return pointer
}

func release<T: AnyObject>(_ pointer: OpaquePointer?, _ type: T.Type) {
  if let pointer { Unmanaged<T>.fromOpaque(UnsafeRawPointer(pointer)).release() }
}

/// Runs the body of a C function: an error becomes the thread's last error and its status.
@inline(__always)
func status(_ body: () throws(PinionError) -> Void) -> pinion_status {
  do throws(PinionError) {
    try body()
    return PINION_OK
  } catch { return fail(error) }
}

@inline(never)
func fail(_ error: PinionError) -> pinion_status {
  LastError.set(ErrorBox(error))
  return pinion_status(rawValue: UInt32(bitPattern: error.code.rawValue))
}

/// The argument, or the error that it is a null pointer.
@inline(__always)
func required<T>(_ argument: T?, _ name: StaticString) throws(PinionError) -> T {
  guard let argument else { throw .invalidArgument("\(name) is NULL") }
  return argument
}

/// An option that is on or off.
func flag(_ value: Int32, _ name: StaticString) throws(PinionError) -> Bool {
  guard value == 0 || value == 1 else { throw .invalidArgument("\(name) is \(value), expected 0 or 1") }
  return value == 1
}

/// An option structure of the caller's, whose older versions are shorter: what it lacks has its default.
func options<T: BitwiseCopyable>(_ given: UnsafePointer<T>?, default defaultValue: T, size: (T) -> Int) throws(PinionError) -> T {
  guard let given else { return defaultValue }
  let bytes = UnsafeRawPointer(given).load(as: Int.self)
  guard bytes >= MemoryLayout<Int>.size, bytes <= 4096 else {
    throw .invalidArgument("struct_size is \(bytes); initialise the options with their PINION_..._INIT")
  }
  var result = defaultValue
  withUnsafeMutableBytes(of: &result) { $0.copyMemory(from: UnsafeRawBufferPointer(start: given, count: min(bytes, $0.count))) }
  return result
}
