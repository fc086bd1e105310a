extension Recipe { static let attention: [Recipe] = [] }
