// Package remember keeps the endpoints that nginx was told in a file, so that an
// nginx which is started again before anything is known of the cluster has the last
// ones; and in another file which questions of nginx wait for news, so that the next
// Dispatcher can answer them at once. What is told goes through it to a directory; at
// a start, what the files hold may go there first. It never keeps anything of a
// configuration made for another purpose, and its failures never keep nginx from
// being told.
package remember

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/30x/dispatcher/pkg/discovery"
)

// every is the most time between two writings: what a crash loses is not older. least
// is the least.
const (
	every = time.Second
	least = 100 * time.Millisecond
)

// recent is how old questions may be: nginx asks those that weren't answered again
// after five seconds, from another port if nobody was there.
const recent = 5 * time.Second

// Directory is where endpoints go, and who knows the questions.
type Directory interface {
	Set(services []discovery.Service) (changed int)
	Questions() []discovery.Question
	Expect(questions []discovery.Question)
}

// Memory is a Directory that remembers what it was told. It is safe for concurrent
// use.
type Memory struct {
	to            Directory
	path, purpose string
	log           *slog.Logger
	news          chan struct{}

	mu   sync.Mutex
	last []discovery.Service

	asked []discovery.Question // that were written last
}

// content is what the file holds.
type content struct {
	Purpose  string
	Services []discovery.Service
}

// New gives a Memory in a file. purpose says with which settings services are made.
func New(to Directory, path, purpose string, log *slog.Logger) *Memory {
	return &Memory{to: to, path: path, purpose: purpose, log: log, news: make(chan struct{}, 1)}
}

// Continue expects the questions that waited for the last Dispatcher, if that ended
// just now.
func (m *Memory) Continue() (questions int) {
	info, err := os.Stat(m.questions())
	if err != nil || time.Since(info.ModTime()) > recent {
		return 0
	}
	var waiting []discovery.Question
	text, err := os.ReadFile(m.questions())
	if err != nil || json.Unmarshal(text, &waiting) != nil {
		return 0 // they will be asked again
	}
	m.to.Expect(waiting)
	return len(waiting)
}

func (m *Memory) questions() string { return m.path + ".questions" }

// Restore tells what the file holds of the services that conf names, with which nginx
// is started, if that has the same purpose; and how many they are. For others nginx
// will never ask: they were about to come, or to go, when Dispatcher ended. With an
// empty conf it tells of all.
func (m *Memory) Restore(conf string) (services int) {
	text, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	var c content
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		m.log.Warn("the last endpoints can't be read: they are not known until all objects are", "error", err)
		return 0
	}
	if c.Purpose != m.purpose {
		return 0
	}
	c.Services = slices.DeleteFunc(c.Services, func(s discovery.Service) bool {
		return conf != "" && !strings.Contains(conf, s.Name+"."+discovery.Domain)
	})
	m.to.Set(c.Services)
	return len(c.Services)
}

// Set tells services, and remembers them soon.
func (m *Memory) Set(services []discovery.Service) (changed int) {
	changed = m.to.Set(services)
	if changed == 0 {
		return 0
	}
	m.mu.Lock()
	m.last = services
	m.mu.Unlock()
	select {
	case m.news <- struct{}{}:
	default:
	}
	return changed
}

// Run writes the file until ctx is done.
func (m *Memory) Run(ctx context.Context) error {
	failed := ""
	for done := false; !done; {
		select {
		case <-m.news:
		case <-time.After(m.pause()):
		case <-ctx.Done():
			done = true
		}
		problem := ""
		if err := errors.Join(m.write(), m.writeQuestions()); err != nil {
			problem = err.Error()
		}
		if problem != "" && problem != failed {
			m.log.Warn("the last endpoints can't be written: after a restart they are not known until all objects are", "error", problem)
		}
		failed = problem
		select {
		case <-time.After(m.pause()):
		case <-ctx.Done():
		}
	}
	return nil
}

// pause is the time between two writings: short, as long as there is little to write.
func (m *Memory) pause() time.Duration {
	return max(least, min(every, time.Duration(len(m.asked))*time.Millisecond))
}

// write writes what was told last, if it isn't written yet.
func (m *Memory) write() error {
	m.mu.Lock()
	services := m.last
	m.last = nil
	m.mu.Unlock()
	if services == nil {
		return nil
	}
	err := replace(m.path, content{m.purpose, services})
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil && m.last == nil {
		m.last = services // for the next time
	}
	return err
}

// writeQuestions writes what waits for news now. The file's time says of when it is,
// so it is touched even if nothing has changed.
func (m *Memory) writeQuestions() error {
	waiting := m.to.Questions()
	slices.SortFunc(waiting, func(a, b discovery.Question) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Service, b.Service))
	})
	if slices.Equal(waiting, m.asked) {
		now := time.Now()
		if err := os.Chtimes(m.questions(), now, now); err == nil || len(waiting) == 0 {
			return nil
		}
	}
	m.asked = waiting
	return replace(m.questions(), waiting)
}

// replace writes a file anew, for our eyes only.
func replace(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	next := path + ".next"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
