"""Parts of the HTML page: its template, its style sheet, its one script, and what fills them."""
