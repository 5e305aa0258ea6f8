package status

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/30x/dispatcher/internal/page"
)

// The reference page is made from the table.
func TestMetricsPageIsCurrent(t *testing.T) {
	t.Parallel()
	page.Current(t, "../../docs/metrics.md", WriteMarkdown)
}

// The queries of the dashboard and of the alerts use metrics and labels that there
// are, and each metric is on the dashboard.
func TestQueries(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/grafana/dispatcher.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard any
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	shown := queries(dashboard)
	if len(shown) < 20 {
		t.Fatalf("only %d queries were found", len(shown))
	}
	all := strings.Join(shown, "\n")
	for _, row := range table() {
		if !regexp.MustCompile(row.fullName() + `(_bucket)?\b`).MatchString(all) {
			t.Errorf("%s is not on the dashboard", row.fullName())
		}
	}
	for _, a := range alerts() {
		shown = append(shown, a.query)
	}
	for _, q := range shown {
		if err := checkQuery(q); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
}

func TestCheckQuery(t *testing.T) {
	t.Parallel()
	for query, good := range map[string]bool{
		`sum by (kind) (dispatcher_problems{kind="tls"})`:                true,
		`rate(dispatcher_turn_duration_seconds_bucket{le="1"}[5m])`:      true,
		`rate(dispatcher_turn_duration_seconds[5m])`:                     false,
		`rate(dispatcher_problems_sum[5m])`:                              false,
		`dispatcher_problem`:                                             false,
		`sum by (host) (dispatcher_problems)`:                            false,
		`dispatcher_problems{instance=~"x",host!="y"}`:                   false,
		`sum(dispatcher_problems`:                                        false,
		`up`:                                                             false,
		`sum by (kind, instance) (dispatcher_problems{instance=~"\\w"})`: true,
	} {
		if err := checkQuery(query); (err == nil) != good {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// queries gathers all queries of a part of a dashboard.
func queries(part any) (found []string) {
	switch part := part.(type) {
	case []any:
		for _, p := range part {
			found = append(found, queries(p)...)
		}
	case map[string]any:
		for key, p := range part {
			if text, ok := p.(string); ok && (key == "expr" || key == "query" && strings.Contains(text, "label_values")) {
				found = append(found, text)
			}
			found = append(found, queries(p)...)
		}
	}
	return found
}

// checkQuery checks the names of metrics and labels in a query, and its brackets.
func checkQuery(query string) error {
	series, labels := map[string]metric{}, []string{"instance"}
	for _, row := range table() {
		if row.kind != histogram {
			series[row.fullName()] = row
			continue
		}
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			series[row.fullName()+suffix] = row
		}
	}
	names := regexp.MustCompile(`\bdispatcher_\w+`).FindAllString(query, -1)
	if len(names) == 0 {
		return errors.New("it uses no metric")
	}
	for _, name := range names {
		row, ok := series[name]
		if !ok {
			return fmt.Errorf("there is no %s", name)
		}
		labels = append(labels, row.labels...)
		if strings.HasSuffix(name, "_bucket") {
			labels = append(labels, "le")
		}
	}
	var used []string
	for _, m := range regexp.MustCompile(`\bby \(([^)]*)\)`).FindAllStringSubmatch(query, -1) {
		used = append(used, strings.Split(m[1], ", ")...)
	}
	for _, m := range regexp.MustCompile(`[{,]\s*(\w+)\s*(=|!=)~?\s*"`).FindAllStringSubmatch(query, -1) {
		used = append(used, m[1])
	}
	for _, label := range used {
		if !slices.Contains(labels, label) {
			return fmt.Errorf("none of its metrics has the label %s", label)
		}
	}
	for _, pair := range []string{"()", "{}", "[]"} {
		if strings.Count(query, pair[:1]) != strings.Count(query, pair[1:]) {
			return fmt.Errorf("%s don't match", pair)
		}
	}
	return nil
}
