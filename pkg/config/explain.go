package config

import "github.com/30x/dispatcher/pkg/config/internal/question"

// CommandExplain is the command that says what becomes of requests for a URL, or what a
// Pod serves.
const CommandExplain = "explain"

// Explain is what the command explain is asked.
type Explain = question.Explain
