# Webhooks of GitHub and GitLab to Leadline. Take the resources you need; the secrets are those of [[sources]] in Leadline's
# configuration (docs/sources/github.md, docs/sources/gitlab.md).

terraform {
  required_providers {
    github = {
      source  = "integrations/github"
      version = ">= 6.0"
    }
    gitlab = {
      source  = "gitlabhq/gitlab"
      version = ">= 17.0"
    }
  }
}

variable "leadline_url" {
  description = "Address of Leadline, such as https://leadline.example.com."
  type        = string
}

variable "github_secret" {
  description = "What GitHub signs with."
  type        = string
  sensitive   = true
}

variable "gitlab_token" {
  description = "What GitLab shows."
  type        = string
  sensitive   = true
}

variable "github_repositories" {
  description = "Repositories with a webhook of their own, where the organisation has none."
  type        = set(string)
  default     = []
}

variable "gitlab_projects" {
  description = "Projects with a webhook of their own, where no group has one."
  type        = set(string)
  default     = []
}

locals {
  github_events = [
    "deployment",
    "deployment_status",
    "issues",
    "pull_request",
    "pull_request_review",
    "push",
    "release",
    "workflow_job",
    "workflow_run",
  ]
}

# All repositories of the organisation.
resource "github_organization_webhook" "leadline" {
  events = local.github_events

  configuration {
    url          = "${var.leadline_url}/webhooks/github"
    content_type = "json"
    secret       = var.github_secret
    insecure_ssl = false
  }
}

resource "github_repository_webhook" "leadline" {
  for_each   = var.github_repositories
  repository = each.value
  events     = local.github_events

  configuration {
    url          = "${var.leadline_url}/webhooks/github"
    content_type = "json"
    secret       = var.github_secret
    insecure_ssl = false
  }
}

# Webhooks of groups (gitlab_group_hook) take the same arguments and need Premium.
resource "gitlab_project_hook" "leadline" {
  for_each                   = var.gitlab_projects
  project                    = each.value
  url                        = "${var.leadline_url}/webhooks/gitlab"
  token                      = var.gitlab_token
  enable_ssl_verification    = true
  push_events                = true
  tag_push_events            = true
  note_events                = true
  merge_requests_events      = true
  issues_events              = true
  confidential_issues_events = true
  job_events                 = true
  pipeline_events            = true
  deployment_events          = true
  releases_events            = true
}
