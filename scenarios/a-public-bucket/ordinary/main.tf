variable "office" {
  default = "192.0.2.0/24"
}

resource "aws_security_group" "office" {
  name        = "office"
  description = "SSH from the office"

  ingress {
    description = "SSH from the office"
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = [var.office]
  }
}
