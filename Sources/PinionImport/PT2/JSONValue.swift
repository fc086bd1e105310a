import PinionBase

/// A value of a JSON text. Lists lie apart anyhow: a box for each value would take longer to make, and to give back, than all the rest.
package enum JSONValue: Sendable {
  case null
  case bool(Bool)
  case int(Int64)
  case float(Double)
  case string(String)
  case array([JSONValue])
  /// Members in the text's order; of two with one name the first counts.
  case object([(key: String, value: JSONValue)])

  var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a truth value"
    case .int: "an integer"
    case .float: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

extension JSONValue {
  /// A member, nil where it is absent or null.
  subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    for member in members where member.key == key {
      if case .null = member.value { return nil }
      return member.value
    }
    return nil
  }

  func member(_ key: String) throws(PinionError) -> JSONValue {
    guard let value = self[key] else { throw .invalidModel("the program has no '\(key)' where one is expected") }
    return value
  }

  func asArray(_ what: String) throws(PinionError) -> [JSONValue] {
    guard case .array(let values) = self else { throw .invalidModel("'\(what)' is \(kind), expected a list") }
    return values
  }

  func asObject(_ what: String) throws(PinionError) -> [(key: String, value: JSONValue)] {
    guard case .object(let members) = self else { throw .invalidModel("'\(what)' is \(kind), expected an object") }
    return members
  }

  func asString(_ what: String) throws(PinionError) -> String {
    guard case .string(let text) = self else { throw .invalidModel("'\(what)' is \(kind), expected a string") }
    return text
  }

  func asInt(_ what: String) throws(PinionError) -> Int64 {
    guard case .int(let value) = self else { throw .invalidModel("'\(what)' is \(kind), expected an integer") }
    return value
  }

  func asBool(_ what: String) throws(PinionError) -> Bool {
    guard case .bool(let value) = self else { throw .invalidModel("'\(what)' is \(kind), expected true or false") }
    return value
  }

  /// A number; infinities and NaN are written as strings.
  func asFloat(_ what: String) throws(PinionError) -> Double {
    switch self {
    case .float(let value): return value
    case .int(let value): return Double(value)
    case .string("Infinity"): return .infinity
    case .string("-Infinity"): return -.infinity
    case .string("NaN"): return .nan
    default: throw .invalidModel("'\(what)' is \(kind), expected a number")
    }
  }

  /// The one member of a union: its tag and value.
  func asUnion(_ what: String) throws(PinionError) -> (tag: String, value: JSONValue) {
    let members = try asObject(what)
    guard let first = members.first, members.count == 1 else {
      throw .invalidModel("'\(what)' has \(members.count) members, expected one that tells its kind")
    }
    return (first.key, first.value)
  }
}
