variable "region" {
  description = "Where everything is"
  type        = string
  default     = "eu-central-1"
}

variable "name" {
  description = "What the names of all resources begin with"
  type        = string
  default     = "chat"
}

variable "log_retention_days" {
  description = "How long log lines are kept"
  type        = number
  default     = 30
}

variable "protect_table" {
  description = "Whether the table, which has the topics' history, cannot be destroyed"
  type        = bool
  default     = true
}

variable "tokens" {
  description = "What tokens let a client in, as authorizer.py has it; null lets everybody in"
  type = object({
    jwks_url        = string
    issuer          = string
    audience        = string
    allowed_origins = optional(string, "")
  })
  default = null
}
