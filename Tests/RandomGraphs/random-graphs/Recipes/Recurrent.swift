extension Recipe { static let recurrent: [Recipe] = [] }
