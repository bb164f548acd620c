"""What stands above a mail: fields, addresses, dates, ids, however they are written."""
