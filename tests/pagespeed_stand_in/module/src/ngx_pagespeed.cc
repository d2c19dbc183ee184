// A stand-in for ngx_pagespeed: see ../../README.md. A filter that sets
// X-Page-Speed and Cache-Control where `pagespeed on` says so.

extern "C" {
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
}

#include <cstring>
#include <string>

#include "stand_in/automatic.h"

// Names that upstream has, and that the recipe's patch uses.
typedef std::string GoogleString;
#define STR_CASE_EQ_LITERAL(text, literal) \
  ((text).len == sizeof(literal) - 1 &&    \
   ngx_strncasecmp((text).data, (u_char*)literal, sizeof(literal) - 1) == 0)

extern "C" {
extern ngx_module_t ngx_pagespeed;
}

namespace {

class NgxListIterator {
 public:
  explicit NgxListIterator(ngx_list_part_t* part) : part_(part), index_(0) {}

  // The next header; NULL behind the last.
  ngx_table_elt_t* Next() {
    while (part_ != NULL && index_ >= part_->nelts) {
      part_ = part_->next;
      index_ = 0;
    }
    if (part_ == NULL) {
      return NULL;
    }
    return static_cast<ngx_table_elt_t*>(part_->elts) + index_++;
  }

 private:
  ngx_list_part_t* part_;
  ngx_uint_t index_;
};

struct Configuration {
  ngx_flag_t enabled;
  ngx_str_t file_cache_path;
};

ngx_http_output_header_filter_pt next_header_filter;

ngx_table_elt_t* push_header(ngx_http_request_t* r, const char* key, const char* value) {
  ngx_table_elt_t* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
  if (header != NULL) {
    std::memset(header, 0, sizeof(*header));
    header->hash = 1;
    header->key.len = strlen(key);
    header->key.data = (u_char*)key;
    header->value.len = strlen(value);
    header->value.data = (u_char*)value;
  }
  return header;
}

// As in nginx before 1.23: an array of pointers to headers.
ngx_int_t ps_set_cache_control(ngx_http_request_t* r, char* cache_control) {
  NgxListIterator it(&(r->headers_out.headers.part));
  for (ngx_table_elt_t* header = it.Next(); header != NULL; header = it.Next()) {
    if (STR_CASE_EQ_LITERAL(header->key, "Cache-Control")) {
      header->hash = 0;
    }
  }
  ngx_array_t* all = &r->headers_out.cache_control;
  if (all->elts == NULL && ngx_array_init(all, r->pool, 1, sizeof(ngx_table_elt_t*)) != NGX_OK) {
    return NGX_ERROR;
  }
  ngx_table_elt_t** place = static_cast<ngx_table_elt_t**>(ngx_array_push(all));
  if (place == NULL) {
    return NGX_ERROR;
  }
  *place = push_header(r, "Cache-Control", cache_control);
  return *place == NULL ? NGX_ERROR : NGX_OK;
}

bool ps_get_cache_control(ngx_http_request_t* r, GoogleString* cache_control) {
  ngx_table_elt_t** all = static_cast<ngx_table_elt_t**>(r->headers_out.cache_control.elts);
  for (ngx_uint_t i = 0; all != NULL && i < r->headers_out.cache_control.nelts; ++i) {
    cache_control->append(reinterpret_cast<char*>(all[i]->value.data), all[i]->value.len);
  }
  return all != NULL;
}

ngx_int_t header_filter(ngx_http_request_t* r) {
  Configuration* configuration =
      static_cast<Configuration*>(ngx_http_get_module_loc_conf(r, ngx_pagespeed));
  if (configuration->enabled && r == r->main) {
    static char none[] = "max-age=0, no-cache";
    GoogleString before;
    ps_get_cache_control(r, &before);
    if (before.find("no-transform") == GoogleString::npos &&
        ps_set_cache_control(r, none) != NGX_OK) {
      return NGX_ERROR;
    }
    if (stand_in::Works() && push_header(r, "X-Page-Speed", stand_in::Version()) == NULL) {
      return NGX_ERROR;
    }
  }
  return next_header_filter(r);
}

// `pagespeed on`, `pagespeed off`, `pagespeed FileCachePath PATH`.
char* pagespeed(ngx_conf_t* cf, ngx_command_t*, void* place) {
  Configuration* configuration = static_cast<Configuration*>(place);
  ngx_str_t* words = static_cast<ngx_str_t*>(cf->args->elts);
  if (cf->args->nelts == 3 && STR_CASE_EQ_LITERAL(words[1], "FileCachePath")) {
    configuration->file_cache_path = words[2];
  } else if (cf->args->nelts == 2 && STR_CASE_EQ_LITERAL(words[1], "on")) {
    configuration->enabled = 1;
  } else if (cf->args->nelts == 2 && STR_CASE_EQ_LITERAL(words[1], "off")) {
    configuration->enabled = 0;
  } else {
    return const_cast<char*>("has no such value");
  }
  return NGX_CONF_OK;
}

void* create(ngx_conf_t* cf) {
  Configuration* made = static_cast<Configuration*>(ngx_pcalloc(cf->pool, sizeof(Configuration)));
  if (made != NULL) {
    made->enabled = NGX_CONF_UNSET;
  }
  return made;
}

char* merge(ngx_conf_t*, void* outer, void* inner) {
  Configuration* previous = static_cast<Configuration*>(outer);
  Configuration* own = static_cast<Configuration*>(inner);
  ngx_conf_merge_value(own->enabled, previous->enabled, 0);
  return NGX_CONF_OK;
}

ngx_int_t initialize(ngx_conf_t*) {
  next_header_filter = ngx_http_top_header_filter;
  ngx_http_top_header_filter = header_filter;
  return NGX_OK;
}

ngx_command_t commands[] = {
    {ngx_string("pagespeed"),
     NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_TAKE12, pagespeed,
     NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    ngx_null_command};

ngx_http_module_t context = {NULL, initialize, NULL, NULL, NULL, NULL, create, merge};

}  // namespace

extern "C" {
ngx_module_t ngx_pagespeed = {NGX_MODULE_V1, &context, commands, NGX_HTTP_MODULE,
                              NULL,          NULL,     NULL,     NULL,
                              NULL,          NULL,     NULL,     NGX_MODULE_V1_PADDING};
}
