"""What the studio does when a person asks: each controller joins the state, the jobs and the views in one matter."""
