package main

import (
	"fmt"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
)

// helm3 is Helm 3.
type helm3 struct{}

func (helm3) render(folder string, text []byte, r release) (map[string]string, error) {
	chart, err := loader.Load(folder)
	if err != nil {
		return nil, err
	}
	if !chartutil.IsCompatibleRange(chart.Metadata.KubeVersion, r.kubernetes) {
		return nil, fmt.Errorf("the chart wants Kubernetes %s, and this is %s", chart.Metadata.KubeVersion, r.kubernetes)
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	version, err := chartutil.ParseKubeVersion(r.kubernetes)
	if err != nil {
		return nil, err
	}
	capabilities.KubeVersion = *version
	values, err := chartutil.ReadValues(text)
	if err != nil {
		return nil, err
	}
	options := chartutil.ReleaseOptions{Name: r.name, Namespace: r.namespace, Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, values, options, capabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(chart, all)
}

func (helm3) lint(folder string, text []byte, namespace string) (findings []string, err error) {
	values, err := chartutil.ReadValues(text)
	if err != nil {
		return nil, err
	}
	for _, m := range lint.AllWithKubeVersion(folder, values, namespace, nil).Messages {
		if m.Severity >= support.WarningSev {
			findings = append(findings, m.Error())
		}
	}
	return findings, nil
}
