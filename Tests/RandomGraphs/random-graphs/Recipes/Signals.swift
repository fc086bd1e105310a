extension Recipe { static let signals: [Recipe] = [] }
