{{- /* The name of the objects: that of the release where it says what it is. Room for "-web". */}}
{{- define "exporter.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "exporter.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "exporter.labels" -}}
{{ include "exporter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "exporter.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "exporter.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "exporter.secret" -}}
{{ default (include "exporter.fullname" .) .Values.secret.name }}
{{- end }}

{{- define "exporter.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{- define "exporter.isStatefulSet" -}}
{{- if or .Values.persistence.enabled (gt (int .Values.shards) 1) }}true{{ end }}
{{- end }}

{{- define "exporter.hasExtraCA" -}}
{{- if or .Values.extraCA.configMap .Values.extraCA.secret }}true{{ end }}
{{- end }}

{{- define "exporter.hasWebConfig" -}}
{{- if or .Values.web.config .Values.web.tlsSecret }}true{{ end }}
{{- end }}

{{- /* What every path begins with, as the exporter sees it: empty, or as in /lyve. */}}
{{- define "exporter.prefix" -}}
{{- with default (urlParse .Values.web.externalURL).path .Values.web.routePrefix | trimAll "/" }}/{{ . }}{{ end }}
{{- end }}

{{- define "exporter.hasTLS" -}}
{{- if or .Values.web.tlsSecret .Values.web.config.tls_server_config }}true{{ end }}
{{- end }}

{{- /* The configuration, with the paths that other values decide. */}}
{{- define "exporter.config" -}}
{{- $config := deepCopy .Values.config }}
{{- if and .Values.persistence.enabled (not $config.state_file) }}
{{- $_ := set $config "state_file" "/var/lib/lyve-cloud-exporter/state.json" }}
{{- end }}
{{- if include "exporter.hasExtraCA" . }}
{{- $file := "/etc/lyve-cloud-exporter-ca/ca.crt" }}
{{- range $account := $config.accounts }}
{{- if not $account.ca_file }}{{ $_ := set $account "ca_file" $file }}{{ end }}
{{- end }}
{{- if and $config.alertmanager (not $config.alertmanager.ca_file) }}
{{- $_ := set $config.alertmanager "ca_file" $file }}
{{- end }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{- define "exporter.webConfig" -}}
{{- $config := deepCopy .Values.web.config }}
{{- if .Values.web.tlsSecret }}
{{- $tls := dict "cert_file" "/run/secrets/lyve-cloud-exporter-tls/tls.crt" "key_file" "/run/secrets/lyve-cloud-exporter-tls/tls.key" }}
{{- $_ := set $config "tls_server_config" (merge (default dict $config.tls_server_config) $tls) }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{- /* The port of a URL. */}}
{{- define "exporter.port" -}}
{{- $url := urlParse . }}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" }}
{{- if $port }}{{ $port }}{{ else if eq $url.scheme "http" }}80{{ else }}443{{ end }}
{{- end }}

{{- /* The ports that the pod calls beside DNS and 443, in order, as one text. */}}
{{- define "exporter.egressPorts" -}}
{{- $ports := list }}
{{- range $url := list .Values.proxy.https .Values.proxy.http }}
{{- if $url }}{{ $ports = append $ports (include "exporter.port" $url | int) }}{{ end }}
{{- end }}
{{- with .Values.config.alertmanager }}
{{- range .urls }}{{ $ports = append $ports (include "exporter.port" . | int) }}{{ end }}
{{- end }}
{{- range $account := .Values.config.accounts }}
{{- range $key := list "base_url" "s3_url" "iam_url" }}
{{- with index $account $key }}{{ $ports = append $ports (include "exporter.port" . | int) }}{{ end }}
{{- end }}
{{- end }}
{{- without ($ports | uniq) 443 | join "," }}
{{- end }}
