"""What happens to messages: intake, threads, replies, delivery, and what agents see of them."""
