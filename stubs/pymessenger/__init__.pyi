from pymessenger.bot import Bot as Bot
