// Package ports finds the port that an entry of an annotation means. A Pod and the
// entry's text enter; a port that a container of the Pod declares leaves, or why
// there is none. It never guesses.
package ports

import (
	"fmt"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Resolve finds the declared port that an entry means, and its container. With anyPort, a
// number that no container declares is taken as it is, and belongs to none.
func Resolve(p *cluster.Pod, text string, anyPort bool) (value.Port, *cluster.Container, error) {
	number, numberErr := value.ParsePort(text)
	for i := range p.Containers {
		c := &p.Containers[i]
		for _, declared := range c.Ports {
			if declared.Number < 1 || declared.Number > 65535 {
				continue
			}
			if numberErr == nil && value.Port(declared.Number) == number || numberErr != nil && declared.Name != "" && declared.Name == text {
				return value.Port(declared.Number), c, nil
			}
		}
	}
	if numberErr == nil && anyPort {
		return number, nil, nil
	}
	if numberErr == nil {
		return 0, nil, fmt.Errorf("no container declares TCP port %d: add it to the container's ports", number)
	}
	return 0, nil, fmt.Errorf("%s is neither a port from 1 to 65535 nor the name of a TCP port that a container declares", cluster.Quote(text))
}
