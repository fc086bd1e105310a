import CPinion
import Glibc
import Pinion

/// An error with its strings at fixed addresses.
final class ErrorBox: @unchecked Sendable {
  let error: PinionError
  let message, node, operatorName, text, json: CText
  let inputTypes: [CText]
  let others: [ErrorBox]

  init(_ error: PinionError) {
    self.error = error
    message = CText(error.message)
    node = CText(error.node)
    operatorName = CText(error.operatorName)
    text = CText(error.description)
    json = CText(error.json)
    inputTypes = error.inputTypes.map(CText.init)
    others = error.others.map(ErrorBox.init)
  }
}

/// The error of each thread's last failing call.
enum LastError {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { box in
      if let box { Unmanaged<ErrorBox>.fromOpaque(box).release() }
    }
    return key
  }()

  static func set(_ box: ErrorBox) {
    if let old = pthread_getspecific(key) { Unmanaged<ErrorBox>.fromOpaque(old).release() }
    pthread_setspecific(key, Unmanaged.passRetained(box).toOpaque())
  }

  static var current: ErrorBox? {
    pthread_getspecific(key).map { Unmanaged<ErrorBox>.fromOpaque($0).takeUnretainedValue() }
  }
}

private func box(_ error: OpaquePointer?) -> ErrorBox? { error.map { object($0, ErrorBox.self) } ?? LastError.current }

extension PinionError {
  var statusName: String { String(cString: pinion_status_name(pinion_status(rawValue: UInt32(bitPattern: code.rawValue)))) }

  var json: String {
    let inputs = inputTypes.map(jsonString).joined(separator: ",")
    let others = others.map(\.json).joined(separator: ",")
    return "{\"code\":\(code.rawValue),\"status\":\(jsonString(statusName)),\"message\":\(jsonString(message)),"
      + "\"node\":\(jsonString(node)),\"operator\":\(jsonString(operatorName)),\"opset\":\(opset),\"inputs\":[\(inputs)],\"others\":[\(others)]}"
  }
}

@c @implementation
public func pinion_status_name(_ status: pinion_status) -> UnsafePointer<CChar>! {
  let name: StaticString =
    switch status {
    case PINION_OK: "PINION_OK"
    case PINION_INVALID_ARGUMENT: "PINION_INVALID_ARGUMENT"
    case PINION_INVALID_MODEL: "PINION_INVALID_MODEL"
    case PINION_UNSUPPORTED: "PINION_UNSUPPORTED"
    case PINION_INVALID_SHAPE: "PINION_INVALID_SHAPE"
    case PINION_INVALID_VALUE: "PINION_INVALID_VALUE"
    case PINION_OUT_OF_MEMORY: "PINION_OUT_OF_MEMORY"
    case PINION_BUDGET_EXCEEDED: "PINION_BUDGET_EXCEEDED"
    case PINION_DEADLINE_EXCEEDED: "PINION_DEADLINE_EXCEEDED"
    case PINION_CANCELLED: "PINION_CANCELLED"
    case PINION_IO: "PINION_IO"
    case PINION_NOT_FOUND: "PINION_NOT_FOUND"
    case PINION_INTERNAL: "PINION_INTERNAL"
    default: "PINION_UNKNOWN"
    }
  return constant(name)
}

/// The address of a string in the library itself.
func constant(_ text: StaticString) -> UnsafePointer<CChar> {
  UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

@c @implementation
public func pinion_error_code(_ error: OpaquePointer!) -> pinion_status {
  guard let box = box(error) else { return PINION_OK }
  return pinion_status(rawValue: UInt32(bitPattern: box.error.code.rawValue))
}

@c @implementation
public func pinion_error_message(_ error: OpaquePointer!) -> UnsafePointer<CChar>! { box(error)?.message.pointer ?? CText.empty }

@c @implementation
public func pinion_error_node(_ error: OpaquePointer!) -> UnsafePointer<CChar>! { box(error)?.node.pointer ?? CText.empty }

@c @implementation
public func pinion_error_operator(_ error: OpaquePointer!) -> UnsafePointer<CChar>! { box(error)?.operatorName.pointer ?? CText.empty }

@c @implementation
public func pinion_error_opset(_ error: OpaquePointer!) -> Int64 { box(error)?.error.opset ?? 0 }

@c @implementation
public func pinion_error_input_type_count(_ error: OpaquePointer!) -> Int { box(error)?.inputTypes.count ?? 0 }

@c @implementation
public func pinion_error_input_type(_ error: OpaquePointer!, _ index: Int) -> UnsafePointer<CChar>! {
  guard let box = box(error), box.inputTypes.indices.contains(index) else { return CText.empty }
  return box.inputTypes[index].pointer
}

@c @implementation
public func pinion_error_other_count(_ error: OpaquePointer!) -> Int { box(error)?.others.count ?? 0 }

@c @implementation
public func pinion_error_other(_ error: OpaquePointer!, _ index: Int) -> OpaquePointer! {
  guard let box = box(error), box.others.indices.contains(index) else { return nil }
  return borrowed(box.others[index])
}

@c @implementation
public func pinion_error_text(_ error: OpaquePointer!) -> UnsafePointer<CChar>! { box(error)?.text.pointer ?? CText.empty }

@c @implementation
public func pinion_error_json(_ error: OpaquePointer!) -> UnsafePointer<CChar>! { box(error)?.json.pointer ?? constant("{}") }

@c @implementation
public func pinion_error_copy() -> OpaquePointer! { LastError.current.map(handle) }

@c @implementation
public func pinion_error_release(_ error: OpaquePointer!) { release(error, ErrorBox.self) }

@c @implementation
public func pinion_string_release(_ string: UnsafeMutablePointer<CChar>!) { free(string) }

/// `text` quoted and escaped as JSON wants it.
func jsonString(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\r": result += "\\r"
    case "\t": result += "\\t"
    case _ where scalar.value < 0x20:
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}

/// A string that the caller of the C interface releases.
func ownedString(_ text: String) throws(PinionError) -> UnsafeMutablePointer<CChar> {
  guard let copy = text.withCString({ strdup($0) }) else { throw .outOfMemory(bytes: text.utf8.count + 1) }
  return copy
}
